import { addHosts } from "./phases/hosts.ts";
import { addFirst, addOthers, load } from "./phases/load.ts";
import type { Shape } from "./plan.ts";
import { type Progress, Region } from "./region.ts";

export interface ScaleOptions {
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

/** Builds a region, measures, and takes all of it down again. */
export async function scale(shape: Shape, { progress }: ScaleOptions): Promise<unknown> {
  const region = await Region.up(shape, progress);
  try {
    const hosts_s = await addHosts(region, progress);
    progress("First objects");
    const first = await addFirst(region);
    const loaded = await addOthers(region, first);
    const { result: times, cpu_s } = await region.usage(() => load(region, loaded, progress));
    const look = await region.fleet.look();
    return { hosts_s, ...times, cpu_s, look: { ...look, told: look.told.size, owned: look.owned.size, entries: 0 } };
  } finally {
    progress("Cleaning up");
    await region.close();
  }
}
