import type { RunningAgent } from "@onehop/agent";
import { pino } from "pino";
import { AGENT_SOCKET, type AgentFlags, objectDir, PINS } from "./commands/agent.ts";
import type { Io } from "./io.ts";

/** A part of the system that works until it is stopped. */
export interface Service {
  stop(): Promise<void>;
  /** Settles when it has ended by itself or by `stop`. */
  readonly ended: Promise<void>;
}

/** Runs until a signal or until one of them ends; then stops all, the last started first. */
export async function runUntilStopped(io: Io, services: readonly Service[]): Promise<void> {
  const signal = io.untilStopped();
  const stopped = new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve());
  });
  try {
    await Promise.race([stopped, ...services.map((s) => s.ended)]);
  } finally {
    for (const service of [...services].reverse()) await service.stop();
  }
}

/** JSON lines on standard error; standard output is for data. */
export const loggerOf = (name: string, fields: Readonly<Record<string, string>> = {}) =>
  pino({ name, base: fields }, pino.destination(2));

export async function runAgent(flags: AgentFlags): Promise<RunningAgent> {
  const { startAgent } = await import("@onehop/agent");
  return startAgent({
    host: flags.host,
    controllers: flags.controller ?? [AGENT_SOCKET],
    stateDir: flags.stateDir,
    pins: flags.pins ?? `${PINS}/${flags.host}`,
    uplinks: flags.uplink,
    objectDir: await objectDir(flags.objects),
    logger: loggerOf("agent", { host: flags.host }),
  });
}
