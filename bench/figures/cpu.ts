import { readFileSync } from "node:fs";
import { cpus } from "node:os";
import { setTimeout as delay } from "node:timers/promises";
import type { BenchPath } from "../paths/path.ts";
import { blast, type Delivered } from "./udp.ts";

/** Datagrams a second that every path compared delivers without loss. */
export const PACED_RATE = 20_000;

/** Part of the machine that others may take: with more, what is left does not tell. */
const MOST_BUSY = 0.5;

const TICKS_A_SECOND = 100;

/** Seconds of /proc/stat's first line (proc(5)) in which all processors together had nothing to do, or were taken away. */
export function idleSeconds(stat: string): number {
  const fields = stat.split("\n", 1)[0]!.trim().split(/\s+/).slice(1).map(Number);
  const [idle = 0, iowait = 0, steal = 0] = [fields[3], fields[4], fields[7]];
  return (idle + iowait + steal) / TICKS_A_SECOND;
}

/** Busy seconds of all processors while `work` ran. Idle time is exact where busy time is sampled by ticks. */
async function busy<T>(work: () => Promise<T>): Promise<{ result: T; busyS: number; tookS: number }> {
  const idleBefore = idleSeconds(readFileSync("/proc/stat", "utf8"));
  const start = performance.now();
  const result = await work();
  const tookS = (performance.now() - start) / 1000;
  const idle = idleSeconds(readFileSync("/proc/stat", "utf8")) - idleBefore;
  return { result, busyS: tookS * cpus().length - idle, tookS };
}

/** Nanoseconds of the whole machine for each datagram of a paced stream, less what it does without. */
export const cpuPerPacket = (path: BenchPath, seconds: number): Promise<number> =>
  cpuOf(seconds, () => blast(path, seconds, PACED_RATE));

/** The same of any stream that takes about so many seconds. */
export async function cpuOf(
  seconds: number,
  stream: () => Promise<Pick<Delivered, "sent" | "received">>,
): Promise<number> {
  const rest = await busy(() => delay(seconds * 500));
  const work = await busy(stream);
  const { sent, received } = work.result;
  if (received < sent * 0.9) throw new Error(`${sent - received} of ${sent} paced datagrams were lost`);
  const spent = work.busyS - (rest.busyS / rest.tookS) * work.tookS;
  const others = rest.busyS / rest.tookS / cpus().length;
  // With no processor idle there is nothing that the stream could add.
  if (spent <= 0 || others > MOST_BUSY) throw new Error("the machine is too busy with other work to tell");
  return (spent * 1e9) / received;
}
