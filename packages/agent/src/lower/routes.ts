import { cidr4, formatIpv4 } from "@onehop/core";
import { lpmPrefix } from "@onehop/datapath/layout";
import { type RouteKey, RouteKind } from "@onehop/datapath/maps.gen";
import { type Entries, NO_IP } from "./entries.ts";
import type { Opened } from "./plan.ts";

/** Static routes and the VPC's own ranges; of the same prefix, the static route stays. */
export function lowerRoutes(plan: Opened, entries: Entries): void {
  for (const vpc of plan.vpcs) {
    for (const route of vpc.routes)
      entries.routes.add(routeKey(vpc.vni, route.destination), { next_hop: route.next_hop, kind: RouteKind.VIA });
    for (const cidr of vpc.cidrs)
      entries.routes.add(routeKey(vpc.vni, cidr), { next_hop: NO_IP, kind: RouteKind.RANGE });
  }
}

function routeKey(vpc: number, text: string): RouteKey {
  const range = cidr4(text);
  return { prefix: lpmPrefix(range.prefix), vpc, address: formatIpv4(range.first) };
}
