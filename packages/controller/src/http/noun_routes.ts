import type { Verb } from "@onehop/api";
import { type At, type Kind, type Noun, OnehopError, type Port, type Status } from "@onehop/core";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { Written } from "../api/attempt.ts";
import { createMany } from "../api/bulk.ts";
import { requestHash } from "../api/idempotency.ts";
import { getOne, listPage, type QueryValues } from "../api/read.ts";
import { change, create, remove, type Write } from "../api/write.ts";
import type { Thing } from "../handlers/index.ts";
import type { AnyObject } from "../status_source.ts";
import { type App, callerIn, type Serve } from "./app.ts";
import { etag, idempotencyKeyOf, ifMatch, isHeld } from "./conditions.ts";
import { history, rollback } from "./history_routes.ts";
import { problemOf } from "./problem.ts";
import { untilRealised, waitOf } from "./wait.ts";
import { isWatch, watchList } from "./watch_routes.ts";

type Shown = At<Thing> & { readonly status: Status };

/** How each verb of a noun is served. */
export function nounVerbs(app: App, noun: Noun): Record<Verb, Serve> {
  return {
    list: (request, reply) => list(app, noun, { request, reply }),
    get: (request, reply) => get(app, noun, { request, reply }),
    create: async (request, reply) =>
      answer(app, { noun, request, reply }, await create(writeOf(app, noun, request), request.body)),
    patch: async (request, reply) =>
      answer(app, { noun, request, reply }, await change(writeOf(app, noun, request), idOf(request), request.body)),
    delete: async (request, reply) =>
      answer(app, { noun, request, reply }, await remove(writeOf(app, noun, request), idOf(request))),
    bulk: (request) => bulk(app, noun, request),
    history: (request) => history(app, request),
    rollback: (request) => rollback(app, request),
    counters: (request) => counters(app, noun, request),
    datapath: (request) => datapath(app, noun, request),
  };
}

interface Exchange {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
}

const idOf = (request: FastifyRequest): string => (request.params as { id: string }).id.toLowerCase();
const readOf = ({ store }: App, noun: Noun, request: FastifyRequest) => ({ store, noun, caller: callerIn(request) });

function show({ status }: App, kind: Kind, object: At<Thing>): Shown {
  return { ...object, status: status.statusOf(kind, object as unknown as AnyObject, object.revision) };
}

async function list(app: App, noun: Noun, { request, reply }: Exchange): Promise<unknown> {
  if (isWatch(request.query as QueryValues)) return watchList(app, noun, { request, reply });
  const page = await listPage(readOf(app, noun, request), request.query as QueryValues);
  if (page.next_page_token) {
    // The request's own text: a filter that is given twice stays two.
    const next = new URLSearchParams(request.url.split("?")[1]);
    next.set("page_token", page.next_page_token);
    reply.header("link", `</v1/${noun.plural}?${next}>; rel="next"`);
  }
  return { ...page, items: page.items.map((object) => show(app, noun.kind, object)) };
}

async function get(app: App, noun: Noun, { request, reply }: Exchange): Promise<unknown> {
  const ms = waitOf(request.query as QueryValues);
  const read = async () => show(app, noun.kind, await getOne(readOf(app, noun, request), idOf(request)));
  const object = ms === undefined ? await read() : await waitFor(app, { request, reply, read, ms });
  reply.header("etag", etag(object.revision));
  // Who waits for a state wants to see it, although a state has no revision of its own.
  if (ms === undefined && isHeld(request.headers["if-none-match"], object.revision)) return reply.code(304).send();
  return object;
}

function waitFor(app: App, { reply, read, ms }: Exchange & { read: () => Promise<Shown>; ms: number }): Promise<Shown> {
  const gone = new AbortController();
  reply.raw.once("close", () => gone.abort());
  const signal = AbortSignal.any([gone.signal, app.closing]);
  return untilRealised({ read, source: app.status, clock: app.clock, ms, signal });
}

function writeOf({ writer, contextOf }: App, noun: Noun, request: FastifyRequest): Write {
  const caller = callerIn(request);
  const key = idempotencyKeyOf(request.headers["idempotency-key"]);
  const expects = ifMatch(request.headers["if-match"]);
  const hash = key === undefined ? "" : requestHash(request.method, request.url, request.body);
  return {
    writer,
    noun,
    context: contextOf(caller),
    ...(key === undefined ? {} : { retryable: { who: caller.id, key, hash } }),
    ...(expects ? { expects } : {}),
  };
}

function answer(app: App, { noun, request, reply }: Exchange & { noun: Noun }, written: Written): unknown {
  const { status, object, replayed } = written;
  audit(request, noun, { status, id: object?.id ?? idOf(request), replayed: replayed === true });
  if (replayed) reply.header("idempotency-replayed", "true");
  reply.code(status);
  if (!object) return reply.send();
  reply.header("etag", etag(object.revision));
  if (status === 201) reply.header("location", `/v1/${noun.plural}/${object.id}`);
  return show(app, noun.kind, object);
}

/** One line per accepted write: who did what to which object. */
function audit(request: FastifyRequest, noun: Noun, what: Readonly<Record<string, unknown>>): void {
  const { id: who, role } = callerIn(request);
  request.log.info({ who, role, verb: request.method, kind: noun.kind, ...what }, "write");
}

async function bulk(app: App, noun: Noun, request: FastifyRequest): Promise<unknown> {
  const results = await createMany(writeOf(app, noun, request), request.body);
  audit(request, noun, { items: results.length, created: results.filter((r) => r.status === 201).length });
  const place = { instance: request.url, request_id: request.id };
  return {
    results: results.map((r) =>
      "object" in r
        ? { status: r.status, object: show(app, noun.kind, r.object) }
        : { status: r.status, problem: problemOf(r.problem.detail, place) },
    ),
  };
}

async function counters(app: App, noun: Noun, request: FastifyRequest): Promise<unknown> {
  const port = (await getOne(readOf(app, noun, request), idOf(request))) as unknown as Port;
  if (!port.host_id)
    throw new OnehopError({
      code: "not_bound",
      status: 409,
      message: `The port ${port.name} is bound to no host, so nothing counts its packets.`,
      hint: "onehop port bind",
    });
  return app.status.query(port.host_id, "counters", port.id);
}

async function datapath(app: App, noun: Noun, request: FastifyRequest): Promise<unknown> {
  const { id } = await getOne(readOf(app, noun, request), idOf(request));
  return app.status.query(id, "host");
}
