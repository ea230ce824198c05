import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { linkOf, systemClock } from "@onehop/core";
import { type Logger, pino } from "pino";
import { Agent } from "./agent.ts";
import { Identity } from "./join/identity.ts";
import { keepRenewed } from "./join/renewal.ts";
import type { Kernel } from "./kernel/kernel.ts";
import { LinuxKernel } from "./kernel/linux.ts";
import { DEFAULT_LIMITS, type Facts, OVERHEAD } from "./lower/index.ts";
import { serveLocally } from "./report/local_server.ts";
import { AddressFile } from "./sync/address_book.ts";
import { dial } from "./sync/dial.ts";
import { Snapshot } from "./sync/snapshot.ts";

export interface AgentOptions {
  /** Name or id of this host, as in the API. One that has joined is who its certificate says. */
  readonly host: string;
  /** Controllers that are tried: `unix:/path`, `tcp:host:port` or `tls:host:port`. They tell of all others. */
  readonly controllers: readonly string[];
  /** The last plan, and the socket metrics.sock with /metrics and /healthz. */
  readonly stateDir: string;
  /** Folder of this host on a bpf file system. */
  readonly pins: string;
  /** Names of the underlay devices. */
  readonly uplinks: readonly string[];
  /** Folder of the compiled BPF objects. */
  readonly objectDir: string;
  /** Packets a second that one port may send, by class; by default DEFAULT_LIMITS. */
  readonly limits?: Facts["limits"];
  /** Seconds that a learned entry may lie unused; by default 300. */
  readonly learnedAge?: number | undefined;
  readonly logger?: Logger;
  /** For tests: another kernel. */
  readonly kernel?: Kernel;
}

export interface RunningAgent {
  readonly agent: Agent;
  /** Ends the agent; what it put into the kernel works on. */
  stop(): Promise<void>;
  /** Settles when it has ended. */
  readonly ended: Promise<void>;
}

const MAX_FRAME = 64 * 1024 * 1024;
const STREAM = { maxPayload: MAX_FRAME, handshakeTimeout: 2000 } as const;

/** An uplink that carries less makes guests' packets smaller than hosts' software expects to see. */
const LEAST_UNDERLAY_MTU = 1400;

export async function startAgent(options: AgentOptions): Promise<RunningAgent> {
  const { controllers, stateDir, pins, uplinks, objectDir, learnedAge } = options;
  const logger = options.logger ?? pino({ name: "agent", base: { host: options.host } });
  const identity = await Identity.load(stateDir, (problem) =>
    logger.warn({ problem }, "The host's key was in danger."),
  );
  const host = identity?.hostId ?? options.host;
  await mkdir(stateDir, { recursive: true, mode: 0o700 });
  const kernel = options.kernel ?? new LinuxKernel({ objectDir, pins, learnedAge });
  await checkUplinks(kernel, uplinks, logger);
  const onProblem = (problem: string) => logger.warn({ problem }, "The plan on disk is not as it should be.");
  const hostId = identity?.hostId;
  const agent = new Agent({
    host,
    controllers,
    dial: (address) => linkOf(dial(address, STREAM, identity)),
    book: new AddressFile(stateDir),
    uplinks,
    limits: options.limits ?? DEFAULT_LIMITS,
    kernel,
    snapshot: new Snapshot({ stateDir, onProblem, ...(hostId ? { hostId } : {}) }),
    clock: systemClock,
    wall: Date.now,
    random: Math.random,
    logger,
  });
  const server = await serveLocally(join(stateDir, "metrics.sock"), agent.metrics.registry, () => agent.healthy);
  const stopping = new AbortController();
  if (identity) void renew(identity, options, { logger, signal: stopping.signal });
  const ended = agent.run(stopping.signal).finally(() => {
    server.close();
    kernel.close();
  });
  logger.info({ controllers, uplinks }, "The agent works.");
  return {
    agent,
    ended,
    async stop() {
      stopping.abort();
      await ended;
    },
  };
}

function renew(
  identity: Identity,
  { controllers }: AgentOptions,
  { logger, signal }: { readonly logger: Logger; readonly signal: AbortSignal },
): Promise<void> {
  return keepRenewed(
    {
      identity,
      controllers: () => controllers,
      clock: systemClock,
      wall: Date.now,
      random: Math.random,
      onRenewed: (until) => logger.info({ until }, "The host has a new certificate."),
      onProblem: (problem) => logger.warn({ problem }, "The host's certificate was not renewed."),
    },
    signal,
  );
}

/** A missing uplink may come; a small one never grows by itself. Both are said, neither stops the agent. */
async function checkUplinks(kernel: Kernel, uplinks: readonly string[], logger: Logger): Promise<void> {
  const devices = await kernel.devices();
  for (const name of uplinks) {
    const mtu = devices.get(name)?.mtu;
    if (mtu === undefined) logger.warn({ uplink: name }, "There is no such uplink.");
    else if (mtu < LEAST_UNDERLAY_MTU)
      logger.warn({ uplink: name, mtu }, `The uplink carries ${mtu} bytes, so guests get ${mtu - OVERHEAD}.`);
  }
}
