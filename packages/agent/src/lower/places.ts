import type { NetworkSlice, PortPlan } from "@onehop/core";
import { Place } from "@onehop/datapath/maps.gen";
import type { Facts } from "./facts.ts";
import type { Opened } from "./plan.ts";

export interface PlaceOf {
  readonly place: number;
  /** Slot of a local port, else the number of its host. */
  readonly where: number;
}

/** Where a port is, seen from this host. Undefined: it cannot be reached from here. */
export function placeOf(port: PortPlan, plan: Opened, facts: Facts): PlaceOf | undefined {
  if (port.host === plan.own.number) {
    const slot = facts.slots.get(port.id);
    return slot === undefined ? undefined : { place: Place.LOCAL, where: slot };
  }
  const host = plan.hostByNumber.get(port.host);
  if (!host) return undefined;
  return { place: host.kind === "onehop" ? Place.REMOTE : Place.PEER, where: host.number };
}

/** All that the places of a network's ports are made from, besides its slice. */
export const placedBy = (network: NetworkSlice, plan: Opened, facts: Facts): unknown[] => [
  plan.own.number,
  plan.hostByNumber,
  ...(plan.localIn.get(network) ?? []).map(({ port }) => facts.slots.get(port.id)),
];
