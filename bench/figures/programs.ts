import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { listAttachments } from "@onehop/datapath/attach";
import { type Lab, run } from "@onehop/lab";
import type { BenchPath } from "../paths/path.ts";
import { median } from "../report/statistics.ts";
import { blast } from "./udp.ts";

const STREAMS = 5;
const SWITCH = "/proc/sys/kernel/bpf_stats_enabled";

/** Nanoseconds a run of each program that ran, by its name. */
export type ProgramNs = Readonly<Record<string, number>>;

interface Program {
  readonly id: number;
  readonly name: string;
  readonly run_time_ns?: number;
  readonly run_cnt?: number;
}

/** Runs the kernel's statistics only as long as it takes: they slow every packet. */
export async function withStatistics<T>(work: () => Promise<T>): Promise<T> {
  const before = readFileSync(SWITCH, "utf8");
  writeFileSync(SWITCH, "1");
  try {
    return await work();
  } finally {
    writeFileSync(SWITCH, before);
  }
}

/**
 * What the lab's programs took for each packet of streams that do not wait, the median of some streams; statistics are
 * on.
 */
export async function programNs(lab: Lab, path: BenchPath, seconds: number): Promise<ProgramNs> {
  const streams: ProgramNs[] = [];
  for (let i = 0; i < STREAMS; i++) {
    const before = await programs(lab);
    const { received } = await blast(path, seconds);
    streams.push(perRun(before, await programs(lab), received));
  }
  return mediansOf(streams);
}

/** By program, of the streams it took part in. */
export function mediansOf(streams: readonly ProgramNs[]): ProgramNs {
  const names = new Set(streams.flatMap((stream) => Object.keys(stream)));
  const times = (name: string): number[] => streams.flatMap((stream) => stream[name] ?? []);
  return Object.fromEntries([...names].map((name) => [name, median(times(name))!]));
}

/** Programs that took part in at least half of the packets; others answered an ARP question or the like. */
export function perRun(before: readonly Program[], after: readonly Program[], packets: number): ProgramNs {
  const times: Record<string, number> = {};
  for (const { id, name, run_time_ns = 0, run_cnt = 0 } of after) {
    const then = before.find((p) => p.id === id);
    const runs = run_cnt - (then?.run_cnt ?? 0);
    if (runs >= packets / 2) times[name] = (run_time_ns - (then?.run_time_ns ?? 0)) / runs;
  }
  return times;
}

/**
 * What all the lab's programs took while `stream` delivered packets, for each of them: questions and answers that went
 * beside them are in it. Statistics are on.
 */
export async function allProgramsNs(lab: Lab, stream: () => Promise<{ readonly received: number }>): Promise<number> {
  const ran = async (): Promise<number> =>
    (await programs(lab)).reduce((sum, { run_time_ns = 0 }) => sum + run_time_ns, 0);
  const before = await ran();
  const { received } = await stream();
  return ((await ran()) - before) / received;
}

async function programs(lab: Lab): Promise<Program[]> {
  const links = lab.hosts.flatMap((host) => listAttachments(join(lab.files.pins(host.name), "links")));
  const ids = new Set(links.map((link) => link.program_id));
  const all = JSON.parse(await run(["bpftool", "-j", "prog", "show"])) as Program[];
  return all.filter((program) => ids.has(program.id));
}
