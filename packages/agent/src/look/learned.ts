import {
  type BarredRow,
  type BarsQuestion,
  compareClaims,
  type LearnedAnswer,
  type LearnedQuestion,
  type LearnedRow,
  type WayRow,
} from "@onehop/core";
import type { Kernel } from "../kernel/kernel.ts";
import type { Rows } from "../lower/index.ts";
import { hubsOf, silenceOf } from "./hubs.ts";
import type { Host } from "./run.ts";

const MS = 1_000_000n;
/** Rows of one answer. */
const MOST_ROWS = 5000;

/** What was learned from use, as it is in the kernel, and what came of it. */
export function learnedAnswer({ vpcs, to }: LearnedQuestion, host: Host): LearnedAnswer {
  const { kernel } = host;
  const asked = (vpc: number) => !vpcs || vpcs.includes(vpc);
  const entries = [...kernel.read("learned")].filter(([{ vpc }]) => asked(vpc)).slice(0, MOST_ROWS);
  return {
    entries: entries.map((row) => rowOf(row, kernel)),
    ways: waysOf(host).filter(({ vpc }) => asked(vpc)),
    messages: kernel.messages(),
    barred: barredRows(kernel).filter(({ vpc }) => asked(vpc)),
    use: kernel.learnedUse().filter(({ vpc }) => asked(vpc)),
    ...(to ? { hubs: hubsOf(kernel, to.vpc, to.address) } : {}),
  };
}

const barredRows = (kernel: Kernel): BarredRow[] =>
  [...kernel.read("barred")].map(([key, { since }]) => ({ ...key, since }));

/** The bars on a host. An operator decided to trust it: they are lifted. */
export function barsAnswer({ what, host }: BarsQuestion, { kernel }: Host): BarredRow[] {
  const bars = barredRows(kernel).filter((row) => row.host === host);
  if (what === "trust" && bars.length > 0)
    kernel.remove(
      "barred",
      bars.map(({ vpc }) => ({ vpc, host })),
    );
  return bars;
}

function rowOf([key, entry]: Rows["learned"], kernel: Kernel): LearnedRow {
  const { host, port, claim, packets } = entry;
  const confirmed = kernel.get("confirmed", key);
  const now = kernel.now();
  const ago = (time: bigint) => Math.max(0, Number((now - time) / MS));
  return {
    ...key,
    host,
    port,
    claim,
    packets,
    since_ms: ago(entry.since),
    taught_ms: ago(entry.taught),
    used_ms: ago(entry.used),
    confirmed: confirmed !== undefined && compareClaims(confirmed, claim) === 0,
    ...silenceOf(kernel, host),
  };
}

/** Packets of the ports of this host, summed by VPC. */
export function waysOf({ kernel, mirror }: Host): WayRow[] {
  const sums = new Map<number, WayRow>();
  for (const [, [slot, { vpc, learns }]] of mirror.table("endpoints").actual()) {
    const ways = learns ? kernel.ways(slot) : undefined;
    if (!ways) continue;
    const { direct, by_hub } = sums.get(vpc) ?? { direct: 0, by_hub: 0 };
    sums.set(vpc, { vpc, direct: direct + ways.direct, by_hub: by_hub + ways.by_hub });
  }
  return [...sums.values()];
}
