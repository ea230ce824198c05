import { Place } from "@onehop/datapath/maps.gen";
import type { Entries } from "./entries.ts";
import type { Facts } from "./facts.ts";
import { placeOf } from "./places.ts";
import type { Opened } from "./plan.ts";

/** Every address of the VPCs served: the gateways, answered here, and the ports. */
export function lowerDestinations(plan: Opened, facts: Facts, entries: Entries): void {
  for (const network of plan.networks) {
    const vpc = network.vpc_vni;
    entries.destinations.add(
      { vpc, address: network.gateway },
      { network: network.vni, where: 0, mac: network.gateway_mac, place: Place.GATEWAY },
    );
    for (const port of network.ports) {
      const place = placeOf(port, plan, facts);
      if (!place) continue;
      for (const address of port.addresses)
        entries.destinations.add({ vpc, address }, { network: network.vni, mac: port.mac, ...place });
    }
  }
}
