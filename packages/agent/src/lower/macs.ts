import type { PortProblem } from "@onehop/core";
import type { Entries } from "./entries.ts";
import type { Facts } from "./facts.ts";
import { placeOf } from "./places.ts";
import { type Opened, portsOf } from "./plan.ts";

/** MACs of the networks that have a port here: only such a port can ask for one, or be found by one. */
export function lowerMacs(plan: Opened, facts: Facts, { macs }: Entries): PortProblem[] {
  const short = new Set<number>();
  for (const network of plan.networks) {
    if (!network.ports.some((port) => port.host === plan.own.number)) continue;
    for (const port of network.ports) {
      const place = placeOf(port, plan, facts);
      if (place && !macs.add({ network: network.vni, mac: port.mac }, place)) short.add(network.vpc_vni);
    }
  }
  return portsOf(plan, short, macs.full);
}
