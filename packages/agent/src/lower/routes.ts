import { cidr4, formatIpv4, type PortProblem, type VpcSlice } from "@onehop/core";
import { lpmPrefix } from "@onehop/datapath/layout";
import { type RouteKey, RouteKind } from "@onehop/datapath/maps.gen";
import { type Entries, NO_IP, partOf, type Rows } from "./entries.ts";
import type { Memos } from "./memos.ts";
import { type Opened, portsOf } from "./plan.ts";

/** Static routes and the VPC's own ranges; of the same prefix, the static route stays. */
export function lowerRoutes(plan: Opened, { routes }: Entries, memos: Memos): PortProblem[] {
  const short = new Set<number>();
  for (const vpc of plan.vpcs) {
    const part = memos.routes.of(vpc, [], () => partOf("routes", rowsOf(vpc)));
    if (!routes.addPart(part)) short.add(vpc.vni);
  }
  return portsOf(plan, short, routes.full);
}

function* rowsOf({ vni, cidrs, routes }: VpcSlice): Iterable<Rows["routes"]> {
  for (const { destination, next_hop } of routes) yield [routeKey(vni, destination), { next_hop, kind: RouteKind.VIA }];
  for (const cidr of cidrs) yield [routeKey(vni, cidr), { next_hop: NO_IP, kind: RouteKind.RANGE }];
}

function routeKey(vpc: number, text: string): RouteKey {
  const range = cidr4(text);
  return { prefix: lpmPrefix(range.prefix), vpc, address: formatIpv4(range.first) };
}
