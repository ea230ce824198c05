import { cidr4, formatIpv4 } from "@onehop/core";
import { type Entries, NO_IP, ROUTE_KIND, type RouteKey } from "./entries.ts";
import type { Opened } from "./plan.ts";

/** Static routes and the VPC's own ranges; of the same prefix, the static route stays. */
export function lowerRoutes(plan: Opened, entries: Entries): void {
  for (const vpc of plan.vpcs) {
    for (const route of vpc.routes)
      entries.routes.add(routeKey(vpc.vni, route.destination), { next_hop: route.next_hop, kind: ROUTE_KIND.VIA });
    for (const cidr of vpc.cidrs)
      entries.routes.add(routeKey(vpc.vni, cidr), { next_hop: NO_IP, kind: ROUTE_KIND.RANGE });
  }
}

/** The key's prefix counts the VPC's 32 bits and the IPv4-mapped 96. */
function routeKey(vpc: number, text: string): RouteKey {
  const range = cidr4(text);
  return { prefix: 128 + range.prefix, vpc, address: formatIpv4(range.first) };
}
