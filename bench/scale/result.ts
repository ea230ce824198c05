import type { Quantiles } from "../learn/result.ts";
import type { Shape } from "./plan.ts";
import { type Target, targetsOf } from "./targets.ts";

/** What `npm run scale -- --json FILE` writes of each figure; null: not measured. */
export interface Figures {
  /** From the first request until everything is realised at every host. */
  readonly load_s: number;
  /** From the request until a guest of another host had an answer from the new port. */
  readonly create_reachable_ms: Quantiles;
  /** Frames about slices, and their bytes, from controllers to hosts. */
  readonly messages_per_change: number;
  readonly bytes_per_change: number;
  readonly fanout_per_event: { readonly p50: number; readonly max: number };
  readonly interested_hosts: { readonly p50: number; readonly max: number };
  readonly entries: { readonly idle_host: number; readonly busy_host: number };
  /** The largest of each kind of process. */
  readonly rss_mb: { readonly controller: number; readonly agent: number; readonly store: number };
  readonly first_packet_rtt_us: number;
  readonly direct_rtt_us: number;
  readonly learned_per_s: number;
  /** At full size, of the same with ten ports. */
  readonly program_ns_ratio: number;
  readonly cpu_ns_ratio: number;
  /** From the kill until all hosts of a shard have heard of its new owner. */
  readonly controller_kill_ms: Quantiles;
  readonly paused_ms: number;
  readonly other_vpc_create_ratio: number;
  readonly api_ms: Quantiles;
  readonly unavailable_answer_ms: number;
  readonly store_kill: { readonly lost: number; readonly gap_ms_p99: number };
}

export const PROMISES = [
  "Q3",
  "Q4",
  "Q9",
  "Q10",
  "Q17",
  "Q18",
  "Q25",
  "Q51",
  "Q52",
  "D2",
  "D4",
  "D5",
  "D6",
  "D8",
] as const;
export type PromiseId = (typeof PROMISES)[number];

/** What one part of the run found. */
export interface Findings extends Partial<Figures> {
  /** Whether this part saw them hold; kept where all parts that looked saw it. */
  readonly promises?: Readonly<Partial<Record<PromiseId, boolean>>>;
  readonly details?: unknown;
}

export type ScaleResult = { readonly [F in keyof Figures]: Figures[F] | null } & {
  /** Only those that this run looks at. */
  readonly promises: Readonly<Partial<Record<PromiseId, boolean>>>;
  readonly targets: readonly Target[];
  readonly details: Readonly<Record<string, unknown>>;
  readonly conditions: Conditions;
  readonly problems: readonly string[];
};

export interface Conditions extends Shape {
  readonly kernel: string;
  readonly processor: string;
  readonly processors: number;
  readonly load_before: number;
  readonly took_s: number;
}

const NOT_MEASURED: { readonly [F in keyof Figures]: null } = {
  load_s: null,
  create_reachable_ms: null,
  messages_per_change: null,
  bytes_per_change: null,
  fanout_per_event: null,
  interested_hosts: null,
  entries: null,
  rss_mb: null,
  first_packet_rtt_us: null,
  direct_rtt_us: null,
  learned_per_s: null,
  program_ns_ratio: null,
  cpu_ns_ratio: null,
  controller_kill_ms: null,
  paused_ms: null,
  other_vpc_create_ratio: null,
  api_ms: null,
  unavailable_answer_ms: null,
  store_kill: null,
};

/** `all`: findings by the name of the part that found them. */
export function resultOf(
  all: ReadonlyMap<string, Findings>,
  problems: readonly string[],
  conditions: Conditions,
): ScaleResult {
  const figures: { [F in keyof Figures]: Figures[F] | null } = { ...NOT_MEASURED };
  const details: Record<string, unknown> = {};
  for (const [name, { promises: _, details: more, ...found }] of all) {
    Object.assign(figures, found);
    if (more !== undefined) details[name] = more;
  }
  return { ...figures, promises: promisesOf(all), targets: targetsOf(figures), details, conditions, problems };
}

function promisesOf(all: ReadonlyMap<string, Findings>): Partial<Record<PromiseId, boolean>> {
  const seen = (id: PromiseId): boolean[] => [...all.values()].flatMap((f) => f.promises?.[id] ?? []);
  return Object.fromEntries(
    PROMISES.flatMap((id) => (seen(id).length > 0 ? [[id, seen(id).every(Boolean)] as const] : [])),
  );
}
