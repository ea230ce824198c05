import type { NetworkSlice, PortPlan, PortProblem } from "@onehop/core";
import { Place } from "@onehop/datapath/maps.gen";
import { type Entries, KEY_TEXT, type Rows } from "./entries.ts";
import type { Facts } from "./facts.ts";
import type { Memos, TextRows } from "./memos.ts";
import type { Part } from "./parts.ts";
import { placedBy, placeOf } from "./places.ts";
import { type Opened, portsOf } from "./plan.ts";

/** Every address of the VPCs served: the gateways, answered here, and the ports. */
export function lowerDestinations(plan: Opened, facts: Facts, { destinations }: Entries, memos: Memos): PortProblem[] {
  const short = new Set<number>();
  for (const network of plan.networks) {
    const others = placedBy(network, plan, facts);
    const part = memos.destinations.of(network, others, () => partIn(network, { plan, facts, memos }));
    if (!destinations.addPart(part)) short.add(network.vpc_vni);
  }
  return portsOf(plan, short, destinations.full);
}

interface From {
  readonly plan: Opened;
  readonly facts: Facts;
  readonly memos: Memos;
}

/** Where one port of a network changed, the others' rows are the same objects again. */
function partIn(network: NetworkSlice, from: From): Part<Rows["destinations"]> {
  const { vpc_vni: vpc, vni, gateway, gateway_mac } = network;
  const value = { network: vni, where: 0, mac: gateway_mac, place: Place.GATEWAY };
  const part = new Map([textRow({ vpc, address: gateway }, value)]);
  for (const port of network.ports)
    for (const [text, row] of rowsOf(port, network, from)) if (!part.has(text)) part.set(text, row);
  return part;
}

function rowsOf(port: PortPlan, { vpc_vni: vpc, vni }: NetworkSlice, from: From): TextRows<"destinations"> {
  const at = placeOf(port, from.plan, from.facts);
  if (!at) return [];
  return from.memos.portDestinations.of(port, [vpc, vni, at.place, at.where], () =>
    port.addresses.map((address) => textRow({ vpc, address }, { network: vni, mac: port.mac, ...at })),
  );
}

const textRow = (...row: Rows["destinations"]) => [KEY_TEXT.destinations(row[0]), row] as const;
