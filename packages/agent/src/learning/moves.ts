import { Place } from "@onehop/datapath/maps.gen";
import type { Rows } from "../lower/index.ts";
import type { DeltaTracker } from "../reconcile/delta_tracker.ts";

/** As long as others may hold learned entries that lead to the former host: they age in 300 s, unused. */
const REMEMBER_MS = 300_000;
const REMEMBER_NS = 300_000_000_000n;

export interface Step {
  /** Has been told what is to be there, and it is not done yet. */
  readonly destinations: DeltaTracker<Rows["destinations"]>;
  /** VNIs of the VPCs that this host is a hub of. */
  readonly hubbed: ReadonlySet<number>;
  readonly own: number;
  /** Milliseconds of the agent's clock, nanoseconds of the kernel's. */
  readonly now: number;
  readonly kernelNow: bigint;
}

/** At a hub: which addresses have another host now, so that what comes by the former one is still let through. */
export class Moves {
  /** Where addresses were that are nowhere now. The longest gone are first. */
  readonly #gone = new Map<string, { readonly host: number; readonly at: number }>();

  /** Rows for the table `moved`. */
  note({ destinations, hubbed, own, now, kernelNow }: Step): Rows["moved"][] {
    if (hubbed.size === 0) return [];
    this.#forget(now);
    for (const [text, row] of destinations.deletions()) {
      const host = hubbed.has(row[0].vpc) ? hostOf(row, own) : undefined;
      this.#gone.delete(text);
      if (host !== undefined) this.#gone.set(text, { host, at: now });
    }
    const moved: Rows["moved"][] = [];
    for (const [text, row] of destinations.updates()) {
      if (!hubbed.has(row[0].vpc)) continue;
      const was = destinations.actual().get(text);
      const former = was ? hostOf(was, own) : this.#gone.get(text)?.host;
      if (former !== undefined && former !== hostOf(row, own))
        moved.push([row[0], { until: kernelNow + REMEMBER_NS, former }]);
      this.#gone.delete(text);
    }
    return moved;
  }

  #forget(now: number): void {
    for (const [text, { at }] of this.#gone) {
      if (now - at <= REMEMBER_MS) return;
      this.#gone.delete(text);
    }
  }
}

function hostOf([, { place, where }]: Rows["destinations"], own: number): number | undefined {
  if (place === Place.LOCAL) return own;
  return place === Place.REMOTE ? where : undefined;
}
