import type { Figures } from "./result.ts";

/** A figure against what is to be reached. */
export interface Target {
  readonly figure: string;
  readonly at_least?: number;
  readonly at_most?: number;
  /** null: not measured. */
  readonly value: number | null;
  readonly met: boolean;
}

type Measured = { readonly [F in keyof Figures]: Figures[F] | null };
type Row = readonly [figure: string, bound: "at_least" | "at_most", limit: number, value: (f: Measured) => number];

const or = (value: number | undefined): number => value ?? Number.NaN;

/** "Does not change" (Q26), as closely as Q25 takes it. */
export const PAIRS_COST_AT_MOST = 1.05;

/** What issue and docs ask for. */
const ROWS: readonly Row[] = [
  ["first_packet_loss", "at_most", 0, (f) => or(f.first_packet_loss ?? undefined)],
  ["packets_until_direct.p99", "at_most", 2, (f) => or(f.packets_until_direct?.p99)],
  ["teach_us.p50", "at_most", 20, (f) => or(f.teach_us?.p50)],
  ["tcp_relearn_ms.p99", "at_most", 20, (f) => or(f.tcp_relearn_ms?.p99)],
  ["idle_messages", "at_most", 0, (f) => or(f.idle_messages ?? undefined)],
  [
    "entries.host - used_pairs",
    "at_most",
    0,
    (f) => (f.entries ? Math.abs(f.entries.host - f.entries.used_pairs) : or(undefined)),
  ],
  ["storm.goodput_ratio", "at_least", 1, (f) => or(f.storm?.goodput_ratio)],
  ["storm.other_tenant.lost", "at_most", 0, (f) => or(f.storm?.other_tenant.lost)],
  ["storm.other_tenant.lost_new_pairs", "at_most", 0, (f) => or(f.storm?.other_tenant.lost_new_pairs)],
  ["storm.other_tenant.new_pair_ratio", "at_most", 2, (f) => or(f.storm?.other_tenant.new_pair_ratio)],
  ["hub_kill_ms.p99", "at_most", 300, (f) => or(f.hub_kill_ms?.p99)],
  ["path_cut_ms.p99", "at_most", 300, (f) => or(f.path_cut_ms?.p99)],
  ["forged.tried", "at_least", 10_000, (f) => or(f.forged?.tried)],
  ["forged.accepted", "at_most", 0, (f) => or(f.forged?.accepted)],
  ["pairs_cost.program_ns_ratio", "at_most", PAIRS_COST_AT_MOST, (f) => or(f.pairs_cost?.program_ns_ratio)],
  ["pairs_cost.cpu_ns_ratio", "at_most", PAIRS_COST_AT_MOST, (f) => or(f.pairs_cost?.cpu_ns_ratio ?? undefined)],
  ["bench_ratio", "at_least", 0.95, (f) => or(f.bench_ratio ?? undefined)],
];

export const targetsOf = (figures: Measured): Target[] =>
  ROWS.map(([figure, bound, limit, read]) => {
    const value = read(figures);
    const met = bound === "at_least" ? value >= limit : value <= limit;
    return { figure, [bound]: limit, value: Number.isNaN(value) ? null : value, met };
  });
