import type { PortProblem } from "@onehop/core";
import { type Destination, Place } from "@onehop/datapath/maps.gen";
import type { Entries } from "./entries.ts";
import type { Facts } from "./facts.ts";
import { placeOf } from "./places.ts";
import { type Opened, portsOf } from "./plan.ts";

/** Every address of the VPCs served: the gateways, answered here, and the ports. */
export function lowerDestinations(plan: Opened, facts: Facts, { destinations }: Entries): PortProblem[] {
  const short = new Set<number>();
  for (const network of plan.networks) {
    const vpc = network.vpc_vni;
    const add = (address: string, destination: Omit<Destination, "network">) => {
      if (!destinations.add({ vpc, address }, { network: network.vni, ...destination })) short.add(vpc);
    };
    add(network.gateway, { where: 0, mac: network.gateway_mac, place: Place.GATEWAY });
    for (const port of network.ports) {
      const place = placeOf(port, plan, facts);
      if (!place) continue;
      for (const address of port.addresses) add(address, { mac: port.mac, ...place });
    }
  }
  return portsOf(plan, short, destinations.full);
}
