import { cidr4, formatIpv4, type PortProblem } from "@onehop/core";
import { lpmPrefix } from "@onehop/datapath/layout";
import { type Route, type RouteKey, RouteKind } from "@onehop/datapath/maps.gen";
import { type Entries, NO_IP } from "./entries.ts";
import { type Opened, portsOf } from "./plan.ts";

/** Static routes and the VPC's own ranges; of the same prefix, the static route stays. */
export function lowerRoutes(plan: Opened, { routes }: Entries): PortProblem[] {
  const short = new Set<number>();
  for (const { vni, cidrs, routes: wanted } of plan.vpcs) {
    const add = (destination: string, route: Route) => {
      if (!routes.add(routeKey(vni, destination), route)) short.add(vni);
    };
    for (const { destination, next_hop } of wanted) add(destination, { next_hop, kind: RouteKind.VIA });
    for (const cidr of cidrs) add(cidr, { next_hop: NO_IP, kind: RouteKind.RANGE });
  }
  return portsOf(plan, short, routes.full);
}

function routeKey(vpc: number, text: string): RouteKey {
  const range = cidr4(text);
  return { prefix: lpmPrefix(range.prefix), vpc, address: formatIpv4(range.first) };
}
