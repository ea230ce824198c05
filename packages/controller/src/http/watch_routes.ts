import { NDJSON } from "@onehop/api";
import { type At, invalid, type Noun, OnehopError } from "@onehop/core";
import { pause } from "@onehop/store";
import type { FastifyReply, FastifyRequest } from "fastify";
import { filterOf, type QueryValues } from "../api/read.ts";
import type { AnyObject } from "../status_source.ts";
import { type Format, Sink } from "../watch/sink.ts";
import { Watch } from "../watch/watch.ts";
import { type App, callerIn } from "./app.ts";
import { detailOf, problemOf } from "./problem.ts";

/** Watches that one process serves. */
const MOST = 1000;
/** Milliseconds between bookmarks of a quiet stream; also how soon a revoked token is noticed. */
export const BOOKMARK_MS = 15_000;

/** Whether a list is to be watched. */
export function isWatch(query: QueryValues): boolean {
  if (query.watch !== undefined && query.watch !== "true" && query.watch !== "false")
    throw invalid("", "The option watch is true or false.");
  if (query.watch !== "true" && query.from_revision !== undefined)
    throw invalid("", "The option from_revision goes with watch=true.");
  return query.watch === "true";
}

/** Answers a list as a stream of what becomes of it. What is wrong with the request is told before the stream begins. */
export async function watchList(
  app: App,
  noun: Noun,
  { request, reply }: { request: FastifyRequest; reply: FastifyReply },
): Promise<void> {
  const query = request.query as QueryValues;
  for (const name of ["limit", "page_token"])
    if (query[name] !== undefined) throw invalid("", `A watch has no ${name}.`);
  const { watch: _, from_revision, ...filters } = query;
  const passes = filterOf(noun, filters);
  const from = revisionOf(request.headers["last-event-id"] ?? from_revision);
  if (app.watches.open >= MOST) throw tooMany();
  const format: Format = request.headers.accept?.includes(NDJSON) ? "ndjson" : "sse";
  const ended = new AbortController();
  reply.raw.once("close", () => ended.abort());
  if (reply.raw.destroyed) return;
  const sink = new Sink(reply.raw, format, app.clock);
  const watch = new Watch({
    read: { store: app.store, noun, caller: callerIn(request) },
    passes,
    status: app.status,
    known: app.view[noun.plural as keyof App["view"]] as ReadonlyMap<string, At<AnyObject>>,
    clock: app.clock,
    signal: AbortSignal.any([ended.signal, app.closing]),
    send: (events) => sink.send(events),
  });
  app.watches.open++;
  try {
    await watch.prepare(from);
    begin(reply, format);
    await serve(app, { request, watch, sink, ended });
  } finally {
    app.watches.open--;
  }
}

function begin(reply: FastifyReply, format: Format): void {
  reply.hijack();
  reply.raw.writeHead(200, {
    ...(reply.getHeaders() as Record<string, string>),
    "content-type": format === "sse" ? "text/event-stream" : NDJSON,
    "cache-control": "no-store",
    "x-accel-buffering": "no",
  });
  reply.raw.flushHeaders();
}

interface Serving {
  readonly request: FastifyRequest;
  readonly watch: Watch;
  readonly sink: Sink;
  readonly ended: AbortController;
}

/** Until the reader goes, the server ends, or something fails; failures are the last event. */
async function serve(app: App, serving: Serving): Promise<void> {
  const { request, watch, sink, ended } = serving;
  try {
    await Promise.race([watch.run(), keepUp(app, serving)]);
    sink.end();
  } catch (error) {
    const detail = detailOf(error);
    if (detail.status === 500) request.log.error({ err: error }, detail.message);
    const problem = problemOf(detail, { instance: request.url, request_id: request.id });
    sink.end({ type: "error", problem: problem as { status: number; code: string; detail: string } });
  } finally {
    ended.abort();
  }
}

/** A quiet stream gets a bookmark now and then; whoever may not ask any more is not told any more. */
async function keepUp(app: App, { request, watch, sink, ended }: Serving): Promise<void> {
  const signal = AbortSignal.any([ended.signal, app.closing]);
  while (!signal.aborted) {
    await pause(app.clock, BOOKMARK_MS, signal);
    if (signal.aborted) return;
    await app.whoAsks(request);
    if (app.clock.now() - sink.written < BOOKMARK_MS || watch.at === 0) continue;
    await sink.send([{ type: "bookmark", id: watch.at, revision: watch.at }]);
  }
}

function revisionOf(text: string | readonly string[] | undefined): number | undefined {
  if (text === undefined) return undefined;
  const revision = typeof text === "string" && /^\d{1,15}$/.test(text) ? Number(text) : 0;
  if (revision < 1) throw invalid("", "The revision to watch from must be a number from 1 on.");
  return revision;
}

const tooMany = (): OnehopError =>
  new OnehopError({
    code: "too_many_watches",
    status: 503,
    message: `This controller serves ${MOST} watches already.`,
    hint: "Try again later, or another controller.",
    retry_after: 10,
  });
