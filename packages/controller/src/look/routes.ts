import { nounOf, type TraceAnswer } from "@onehop/core";
import type { FastifyReply, FastifyRequest } from "fastify";
import { getOne, type QueryValues } from "../api/read.ts";
import { demand } from "../auth/caller.ts";
import { type App, callerIn, type Serve } from "../http/app.ts";
import { liftBars, listBars } from "../learning/bars.ts";
import type { Agents } from "./agents.ts";
import { bounded, capturesOfProjects, liveTracesOfProjects, type Places } from "./bounds.ts";
import { captureOf, startCapture } from "./capture.ts";
import { listLearned } from "./learned.ts";
import { sendLive } from "./live.ts";
import { Names } from "./names.ts";
import { Predictor } from "./predict.ts";
import { boundPort, imaginedOf } from "./request.ts";
import { listDrops, listTop } from "./traffic.ts";
import { wayOf } from "./way.ts";

/** Handlers of what is asked of the data plane, by route id. */
export function lookHandlers(app: App): Readonly<Record<string, Serve>> {
  const names = new Names(app.view);
  const agents = bounded(app.agents);
  const listing = (request: FastifyRequest) => ({
    store: app.store,
    caller: callerIn(request),
    names,
    agents,
  });
  const [captures, traces] = [capturesOfProjects(), liveTracesOfProjects()];
  return {
    "trace.run": (request) => trace(app, { names, agents, traces }, request),
    "drops.list": (request) => listDrops(listing(request), request.query as QueryValues),
    "top.list": (request) => listTop(listing(request), request.query as QueryValues),
    "learned.list": (request) => listLearned(listing(request), request.query as QueryValues),
    "keys.rotate": async (request) => {
      const caller = callerIn(request);
      const { id } = request.params as { id: string };
      const vpc = await getOne({ store: app.store, caller, noun: nounOf("vpc") }, id.toLowerCase());
      const version = await app.rotateKey(vpc.id);
      request.log.info({ who: caller.id, vpc: vpc.id, version }, "key rotated");
      return { version };
    },
    "bars.list": (request) => listBars(listing(request), idIn(request)),
    "bars.lift": async (request) => {
      const lifted = await liftBars(listing(request), idIn(request));
      request.log.info({ who: callerIn(request).id, host: idIn(request), lifted: lifted.items.length }, "host trusted");
      return lifted;
    },
    "why.run": (request) => wayOf(listing(request), request.body),
    "capture.run": (request, reply) => capture(app, { agents, captures }, { request, reply }),
  };
}

interface Looking {
  readonly names: Names;
  readonly agents: Agents;
  readonly traces: Places;
}

async function trace(app: App, { names, agents, traces }: Looking, request: FastifyRequest): Promise<TraceAnswer> {
  const caller = callerIn(request);
  const isLive = (request.body as { live?: unknown } | undefined)?.live === true;
  const about = await imaginedOf(app.store, caller, request.body, app.nonce());
  if (isLive) demand(caller, "member");
  const free = isLive ? traces.take(about.port.project_id) : () => undefined;
  try {
    const { answer, frame } = await new Predictor(about, { agents, names }).predict();
    if (!isLive || !frame) return answer;
    request.log.info({ who: caller.id, port: about.port.id, to: about.address }, "packet sent for a trace");
    return { ...answer, live: await sendLive(about, frame, answer, { agents, names, clock: app.clock }) };
  } finally {
    free();
  }
}

const idIn = (request: FastifyRequest): string => (request.params as { id: string }).id.toLowerCase();

interface Exchange {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
}

interface Capturing {
  readonly agents: Agents;
  readonly captures: Places;
}

async function capture(app: App, { agents, captures }: Capturing, { request, reply }: Exchange): Promise<unknown> {
  const caller = callerIn(request);
  const { id } = request.params as { id: string };
  const port = await boundPort(app.store, caller, id.toLowerCase());
  const wanted = captureOf(request.body);
  const free = captures.take(port.project_id);
  try {
    const running = await startCapture(agents, { id: port.id, host_id: port.host_id! }, wanted);
    request.log.info({ who: caller.id, port: port.id, filter: wanted.filter }, "capture");
    const stop = () => running.stop();
    app.closing.addEventListener("abort", stop);
    reply.raw.once("close", () => {
      app.closing.removeEventListener("abort", stop);
      stop();
      free();
    });
    reply.trailer("onehop-end", async () => running.end().why);
    reply.trailer("onehop-lost", async () => String(running.end().lost));
    reply.type("application/vnd.tcpdump.pcap");
    return reply.send(running.file);
  } catch (error) {
    free();
    throw error;
  }
}
