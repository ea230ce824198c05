import type { NetworkSlice, PortProblem } from "@onehop/core";
import { type Entries, partOf, type Rows } from "./entries.ts";
import type { Facts } from "./facts.ts";
import type { Memos } from "./memos.ts";
import { placedBy, placeOf } from "./places.ts";
import { type Opened, portsOf } from "./plan.ts";

/** MACs of the networks that have a port here: only such a port can ask for one, or be found by one. */
export function lowerMacs(plan: Opened, facts: Facts, { macs }: Entries, memos: Memos): PortProblem[] {
  const short = new Set<number>();
  for (const [network, local] of plan.localIn) {
    if (local.length === 0) continue;
    const others = placedBy(network, plan, facts);
    const part = memos.macs.of(network, others, () => partOf("macs", rowsOf(network, plan, facts)));
    if (!macs.addPart(part)) short.add(network.vpc_vni);
  }
  return portsOf(plan, short, macs.full);
}

function* rowsOf({ vni, ports }: NetworkSlice, plan: Opened, facts: Facts): Iterable<Rows["macs"]> {
  for (const port of ports) {
    const place = placeOf(port, plan, facts);
    if (place) yield [{ network: vni, mac: port.mac }, place];
  }
}
