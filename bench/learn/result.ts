import { cpus, loadavg, release } from "node:os";
import { type Target, targetsOf } from "./targets.ts";

/** Of some samples; the value at that part of them. */
export interface Quantiles {
  readonly p50: number;
  readonly p99: number;
}

/** What `npm run learn -- --json FILE` writes of each figure; null: not measured. */
export interface Figures {
  /** Packets lost of all first packets of new pairs. */
  readonly first_packet_loss: number;
  /** The number of a pair's first packet that went straight; both directions of all pairs. */
  readonly packets_until_direct: Quantiles;
  /** From the question's arrival at the uplink to the answer's leaving by it. */
  readonly teach_us: Quantiles;
  /** From the first packet of a bulk TCP stream that misses the deleted entry, to when all go straight again. */
  readonly tcp_relearn_ms: Quantiles & { readonly max: number };
  /** Learning messages of a VPC whose guests are silent. */
  readonly idle_messages: number;
  /** By bpftool: pairs in use at a host, and the entries that it has more than before they were. */
  readonly entries: { readonly used_pairs: number; readonly host: number };
  readonly storm: {
    readonly goodput_ratio: number;
    readonly recovered_s: number;
    readonly other_tenant: { readonly lost: number; readonly lost_new_pairs: number; readonly new_pair_ratio: number };
  };
  readonly hub_kill_ms: Quantiles;
  readonly path_cut_ms: Quantiles;
  readonly forged: { readonly tried: number; readonly accepted: number };
  /** The least of: TCP, small UDP and round trip by a learned entry, of the same by a pushed one; 1 is no cost. */
  readonly bench_ratio: number;
  /** Of a packet by a learned entry: ratios are of all of so many pairs by one pair of each guest; medians of rounds. */
  readonly pairs_cost: {
    readonly pairs: number;
    /** All programs that it meets, questions and answers beside it included. */
    readonly program_ns: { readonly one: number; readonly each: number; readonly all: number };
    readonly program_ns_ratio: number;
    /** Of the whole machine; null: it was too busy with other work to tell. */
    readonly cpu_ns_ratio: number | null;
  };
}

export const PROMISES = [
  ...["Q4", "Q5", "Q8", "Q14", "Q16", "Q19", "Q26", "Q29", "Q30", "Q31", "Q32", "Q33", "Q34"],
  ...["D9", "D10", "D11", "D12"],
] as const;
export type PromiseId = `Q${4 | 5 | 8 | 14 | 16 | 19 | 26 | 29 | 30 | 31 | 32 | 33 | 34}` | `D${9 | 10 | 11 | 12}`;

/** What one measurement found. */
export interface Findings extends Partial<Figures> {
  /** Whether this measurement saw them hold. Several may look at one: it is kept where all saw it. */
  readonly promises?: Readonly<Partial<Record<PromiseId, boolean>>>;
  /** Figures beside those above, for whoever reads the file: `details.<name of the measurement>`. */
  readonly details?: unknown;
}

export type LearnResult = { readonly [F in keyof Figures]: Figures[F] | null } & {
  readonly promises: Readonly<Record<string, boolean>>;
  readonly targets: readonly Target[];
  readonly details: Readonly<Record<string, unknown>>;
  readonly conditions: Conditions;
  /** Measurements that failed, and why; and what makes a figure doubtful. */
  readonly problems: readonly string[];
};

export interface Conditions {
  readonly quick: boolean;
  readonly kernel: string;
  readonly processor: string;
  readonly processors: number;
  /** One-minute load average at the beginning. */
  readonly load_before: number;
  readonly took_s: number;
}

const NOT_MEASURED: { readonly [F in keyof Figures]: null } = {
  first_packet_loss: null,
  packets_until_direct: null,
  teach_us: null,
  tcp_relearn_ms: null,
  idle_messages: null,
  entries: null,
  storm: null,
  hub_kill_ms: null,
  path_cut_ms: null,
  forged: null,
  bench_ratio: null,
  pairs_cost: null,
};

/** The findings of the measurements, by their names. */
export type AllFindings = ReadonlyMap<string, Findings>;

export function resultOf(all: AllFindings, problems: readonly string[], conditions: Conditions): LearnResult {
  const figures: { [F in keyof Figures]: Figures[F] | null } = { ...NOT_MEASURED };
  const details: Record<string, unknown> = {};
  for (const [name, { promises: _, details: more, ...found }] of all) {
    Object.assign(figures, found);
    if (more !== undefined) details[name] = more;
  }
  return { ...figures, promises: promisesOf(all), targets: targetsOf(figures), details, conditions, problems };
}

/** Promises that no measurement sees whole: by name, those that must all have looked. */
const PARTS: Readonly<Partial<Record<PromiseId, readonly string[]>>> = { Q26: ["stream", "pairs_cost"] };

/** What nobody looked at was not kept. */
function promisesOf(all: AllFindings): Record<string, boolean> {
  const seen = (id: string): boolean[] =>
    [...all.values()].map((f) => f.promises?.[id as PromiseId]).filter((kept) => kept !== undefined);
  const isWhole = (id: string): boolean => (PARTS[id as PromiseId] ?? []).every((name) => all.has(name));
  return Object.fromEntries(PROMISES.map((id) => [id, seen(id).length > 0 && seen(id).every(Boolean) && isWhole(id)]));
}

export const conditionsNow = (): Omit<Conditions, "quick" | "took_s"> => ({
  kernel: release(),
  processor: cpus()[0]?.model ?? "unknown",
  processors: cpus().length,
  load_before: loadavg()[0]!,
});
