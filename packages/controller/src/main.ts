import { randomBytes } from "node:crypto";
import type { Server } from "node:http";
import { setFlagsFromString } from "node:v8";
import { type Store, systemClock } from "@onehop/store";
import { type Logger, pino } from "pino";
import { Registry } from "prom-client";
import { type ControlPlane, startControlPlane } from "./control_plane.ts";
import type { Limits } from "./handlers/handler.ts";
import { createServer } from "./http/server.ts";
import { openGate } from "./join/gate.ts";
import { Keyring } from "./join/keyring.ts";
import { controlMetrics, makeMeters } from "./metrics.ts";
import { listen } from "./publish/listen.ts";
import { serveStreams } from "./publish/upgrade.ts";
import { pooledRandom } from "./random.ts";
import type { BrakeLimits } from "./shards/brake.ts";
import { dialMember } from "./shards/dial.ts";

export interface ControllerOptions {
  readonly store: Store;
  /** Unique among the controllers that live; one that starts again under its name takes over at once what it served. */
  readonly name: string;
  /** Where the API is served: `unix:/path` (root's), `tcp:host:port` or `tls:host:port` (bearer tokens). */
  readonly apiListen: readonly string[];
  /** Where agents are served: `unix:/path`, `tcp:host:port` on loopback, or `tls:host:port`. */
  readonly agentListen: string;
  /** The same as agents and other controllers reach it; by default `agentListen`. */
  readonly agentAddress?: string;
  /** Folder of the cluster's keys (join/keyring.ts); `tls:` takes it. */
  readonly pki?: string | undefined;
  /** Which deletions are looked at twice. */
  readonly brake?: BrakeLimits;
  readonly limits?: Partial<Limits>;
  readonly logger?: Logger;
}

export interface RunningController {
  /** The API's addresses as a client takes them. */
  readonly urls: readonly string[];
  readonly plane: ControlPlane;
  /** Leaves what it serves to the other controllers and ends. */
  stop(): Promise<void>;
  /** Settles when it has ended. */
  readonly ended: Promise<void>;
}

/** API, plans and status in one process, all of them over one store; the store stays the caller's. */
export async function startController(options: ControllerOptions): Promise<RunningController> {
  // What is known of a region is large and stays; V8 would let as much garbage gather beside it before it looks.
  setFlagsFromString("--heap-growing-percent=60");
  const { store, name, apiListen, agentListen, limits } = options;
  const logger = options.logger ?? pino({ name: "controller", base: { controller: name } });
  const stopping = new AbortController();
  const { signal } = stopping;
  const registry = new Registry();
  const onError = (error: unknown) =>
    logger.warn({ err: error }, "The keys in the folder cannot be used; those of before are.");
  const keyring = options.pki
    ? await Keyring.open({ dir: options.pki, clock: systemClock, signal, onError })
    : undefined;
  const plane = await startControlPlane({
    store,
    clock: systemClock,
    name,
    signal,
    logger,
    random: randomBytes,
    meters: makeMeters(registry),
    dial: (address) => dialMember(address, keyring?.keys),
    ...(options.brake ? { brake: options.brake } : {}),
  });
  controlMetrics(registry, plane);
  const api = createServer({
    store,
    sentry: plane.sentry,
    view: plane.view,
    followed: plane.view,
    status: plane.status,
    agents: plane.agents,
    rotateKey: (vpcId) => plane.rotateKey(vpcId),
    clock: systemClock,
    wall: Date.now,
    random: pooledRandom(),
    logger,
    registry,
    keyring,
    ...(limits ? { limits } : {}),
  });
  let agents: Server | undefined;
  const stop = async () => {
    stopping.abort();
    agents?.close();
    await Promise.all([api.close(), plane.ended]);
  };
  try {
    const common = { clock: systemClock, wall: Date.now, random: randomBytes, signal, logger };
    const gate = await openGate({ store, keyring, ...common });
    agents = await listen(agentListen, { keyring, serve: gate.serve });
    serveStreams(agents, {
      agent: (link, request) => plane.acceptAgent(link, gate.doorman.admit(link, request)),
      member: (link, request) => gate.member(link, request) && plane.acceptMember(link),
    });
    plane.join(options.agentAddress ?? agentListen);
    const urls = await Promise.all(apiListen.map((address) => api.listen(address)));
    logger.info({ urls, agents: agentListen }, "The controller works.");
    return { urls, plane, stop, ended: plane.ended };
  } catch (error) {
    // A member that serves nobody would keep others from serving.
    await stop();
    throw error;
  }
}
