/** A process of many simulated hosts, told what to do by fleet.ts over the channel of node's child processes. */
import type { SliceId } from "@onehop/core";
import { SimHost } from "./host.ts";
import { Library } from "./library.ts";
import { Seen, type Sight } from "./seen.ts";

export type Order =
  | { readonly do: "add"; readonly hosts: readonly string[]; readonly controller: string }
  | { readonly do: "look" }
  | { readonly do: "clear" };
export interface Look extends Sight {
  /** Streams that are open, and hosts that have all of their slices. */
  readonly streams: number;
  readonly whole: number;
  /** Entries of each host. */
  readonly entries: readonly number[];
  /** Of each slice the lowest epoch under which a host holds it. */
  readonly lowest: readonly (readonly [id: SliceId, epoch: number])[];
  readonly rss: number;
}

const library = new Library();
const seen = new Seen();
const hosts: SimHost[] = [];

function lowest(): Map<SliceId, number> {
  const epochs = new Map<SliceId, number>();
  for (const host of hosts)
    for (const { id, epoch } of host.copies) epochs.set(id, Math.min(epoch, epochs.get(id) ?? epoch));
  return epochs;
}

const look = (): Look => ({
  ...seen.read(),
  streams: hosts.reduce((sum, host) => sum + host.open, 0),
  whole: hosts.filter((host) => host.whole).length,
  entries: hosts.map((host) => host.entries),
  lowest: [...lowest()],
  rss: process.memoryUsage.rss(),
});

process.on("message", (order: Order) => {
  if (order.do === "add")
    for (const host of order.hosts) hosts.push(new SimHost(order.controller, { host, library, seen }));
  if (order.do === "clear") seen.clear();
  process.send?.(order.do === "look" ? look() : {});
});
process.on("disconnect", () => process.exit());
