import { Place } from "@onehop/datapath/maps.gen";
import type { Entries, Rows } from "../lower/index.ts";

/** As long as others may hold learned entries that lead to the former host: they age in 300 s, unused. */
const REMEMBER_MS = 300_000;
const REMEMBER_NS = 300_000_000_000n;

type Destinations = ReadonlyMap<string, Rows["destinations"]>;

export interface Step {
  /** What the kernel has, and what it is to have. */
  readonly before: Destinations;
  readonly entries: Entries;
  readonly own: number;
  /** Milliseconds of the agent's clock, nanoseconds of the kernel's. */
  readonly now: number;
  readonly kernelNow: bigint;
}

/** At a hub: which addresses have another host now, so that what comes by the former one is still let through. */
export class Moves {
  /** Where addresses were that are nowhere now. */
  readonly #gone = new Map<string, { readonly host: number; readonly at: number }>();

  /** Rows for the table `moved`. */
  note(step: Step): Rows["moved"][] {
    const { before, entries, own, now, kernelNow } = step;
    const wanted = entries.destinations.rows;
    const hubbed = new Set([...entries.vpc_rules.rows.values()].filter(([, r]) => r.is_hub).map(([{ vpc }]) => vpc));
    if (hubbed.size === 0) return [];
    for (const [text, { at }] of this.#gone) if (now - at > REMEMBER_MS) this.#gone.delete(text);
    for (const [text, row] of before) {
      const host = hubbed.has(row[0].vpc) && !wanted.has(text) ? hostOf(row, own) : undefined;
      if (host !== undefined) this.#gone.set(text, { host, at: now });
    }
    const moved: Rows["moved"][] = [];
    for (const [text, row] of wanted) {
      const was = before.get(text);
      if (was === row || !hubbed.has(row[0].vpc)) continue;
      const former = was ? hostOf(was, own) : this.#gone.get(text)?.host;
      if (former !== undefined && former !== hostOf(row, own))
        moved.push([row[0], { until: kernelNow + REMEMBER_NS, former }]);
      this.#gone.delete(text);
    }
    return moved;
  }
}

function hostOf([, { place, where }]: Rows["destinations"], own: number): number | undefined {
  if (place === Place.LOCAL) return own;
  return place === Place.REMOTE ? where : undefined;
}
