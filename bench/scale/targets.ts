import type { Target } from "../learn/targets.ts";
import type { Figures } from "./result.ts";

export type { Target };

type Measured = { readonly [F in keyof Figures]: Figures[F] | null };
type Row = readonly [figure: string, at_most: number, value: (f: Measured) => number | undefined | null];

/** What issue and docs ask for, of the packed placement at full size. */
const ROWS: readonly Row[] = [
  ["load_s", 60, (f) => f.load_s],
  ["create_reachable_ms.p50", 100, (f) => f.create_reachable_ms?.p50],
  ["create_reachable_ms.p99", 1000, (f) => f.create_reachable_ms?.p99],
  ["rss_mb.controller", 512, (f) => f.rss_mb?.controller],
  ["fanout_per_event.max - interested_hosts.max", 0, (f) => minus(f.fanout_per_event?.max, f.interested_hosts?.max)],
  ["program_ns_ratio", 1.05, (f) => f.program_ns_ratio],
  ["cpu_ns_ratio", 1.05, (f) => f.cpu_ns_ratio],
  ["controller_kill_ms.p99", 2000, (f) => f.controller_kill_ms?.p99],
  ["paused_ms", 5000, (f) => f.paused_ms],
  ["other_vpc_create_ratio", 1.25, (f) => f.other_vpc_create_ratio],
  ["unavailable_answer_ms", 2000, (f) => f.unavailable_answer_ms],
  ["store_kill.lost", 0, (f) => f.store_kill?.lost],
  ["store_kill.gap_ms_p99", 2000, (f) => f.store_kill?.gap_ms_p99],
];

export const targetsOf = (figures: Measured): Target[] =>
  ROWS.map(([figure, at_most, read]) => {
    const value = read(figures) ?? null;
    return { figure, at_most, value, met: value !== null && value <= at_most };
  });

const minus = (a: number | undefined, b: number | undefined): number | undefined =>
  a === undefined || b === undefined ? undefined : a - b;
