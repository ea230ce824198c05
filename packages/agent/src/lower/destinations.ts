import type { NetworkSlice, PortProblem } from "@onehop/core";
import { Place } from "@onehop/datapath/maps.gen";
import { type Entries, partOf, type Rows } from "./entries.ts";
import type { Facts } from "./facts.ts";
import type { Memos } from "./memos.ts";
import { placedBy, placeOf } from "./places.ts";
import { type Opened, portsOf } from "./plan.ts";

/** Every address of the VPCs served: the gateways, answered here, and the ports. */
export function lowerDestinations(plan: Opened, facts: Facts, { destinations }: Entries, memos: Memos): PortProblem[] {
  const short = new Set<number>();
  for (const network of plan.networks) {
    const others = placedBy(network, plan, facts);
    const part = memos.destinations.of(network, others, () => partOf("destinations", rowsOf(network, plan, facts)));
    if (!destinations.addPart(part)) short.add(network.vpc_vni);
  }
  return portsOf(plan, short, destinations.full);
}

function* rowsOf(network: NetworkSlice, plan: Opened, facts: Facts): Iterable<Rows["destinations"]> {
  const { vpc_vni: vpc, vni, gateway, gateway_mac } = network;
  yield [
    { vpc, address: gateway },
    { network: vni, where: 0, mac: gateway_mac, place: Place.GATEWAY },
  ];
  for (const port of network.ports) {
    const place = placeOf(port, plan, facts);
    if (!place) continue;
    for (const address of port.addresses)
      yield [
        { vpc, address },
        { network: vni, mac: port.mac, ...place },
      ];
  }
}
