import { randomBytes } from "node:crypto";
import type { Server } from "node:http";
import { type Store, systemClock } from "@onehop/store";
import { type Logger, pino } from "pino";
import { Registry } from "prom-client";
import { type ControlPlane, startControlPlane } from "./control_plane.ts";
import type { Limits } from "./handlers/handler.ts";
import { createServer } from "./http/server.ts";
import { controlMetrics } from "./metrics.ts";
import { listen } from "./publish/listen.ts";

export interface ControllerOptions {
  readonly store: Store;
  /** Unique among the controllers that live; one that starts again under its name takes its agents over at once. */
  readonly name: string;
  /** Where the API is served: `unix:/path` (root's) or `tcp:host:port` (bearer tokens). */
  readonly apiListen: readonly string[];
  /** Where agents are served: `unix:/path` or `tcp:host:port`. */
  readonly agentListen: string;
  readonly limits?: Partial<Limits>;
  readonly logger?: Logger;
}

export interface RunningController {
  /** The API's addresses as a client takes them. */
  readonly urls: readonly string[];
  readonly plane: ControlPlane;
  /** Gives the agents to another controller and ends. */
  stop(): Promise<void>;
  /** Settles when it has ended. */
  readonly ended: Promise<void>;
}

/** API, plans and status in one process, all of them over one store; the store stays the caller's. */
export async function startController(options: ControllerOptions): Promise<RunningController> {
  const { store, name, apiListen, agentListen, limits } = options;
  const logger = options.logger ?? pino({ name: "controller", base: { controller: name } });
  const stopping = new AbortController();
  const { signal } = stopping;
  const plane = await startControlPlane({ store, clock: systemClock, name, signal, logger, random: randomBytes });
  const registry = new Registry();
  controlMetrics(registry, plane);
  const api = createServer({
    store,
    view: plane.view,
    status: plane.status,
    agents: plane.agents,
    rotateKey: plane.rotateKey,
    clock: systemClock,
    wall: Date.now,
    random: randomBytes,
    logger,
    registry,
    ...(limits ? { limits } : {}),
  });
  let agents: Server | undefined;
  const stop = async () => {
    stopping.abort();
    agents?.close();
    await Promise.all([api.close(), plane.ended]);
  };
  try {
    agents = await listen(agentListen);
    plane.serve(agents);
    const urls = await Promise.all(apiListen.map((address) => api.listen(address)));
    logger.info({ urls, agents: agentListen }, "The controller works.");
    return { urls, plane, stop, ended: plane.ended };
  } catch (error) {
    // A claim that is kept without serving would keep others from serving.
    await stop();
    throw error;
  }
}
