import { cidr4, lastOf } from "@onehop/core";
import type { Opened } from "./plan.ts";

/**
 * Leading bits that all networks of a VPC have in common which this host was told of, by the VPC's id: of an address with
 * others nothing can be in destinations.
 */
export function nearOf({ networks }: Opened): ReadonlyMap<string, number> {
  const near = new Map<string, readonly [lowest: number, highest: number]>();
  for (const { vpc_id, cidr } of networks) {
    const range = cidr4(cidr);
    const [lowest, highest] = near.get(vpc_id) ?? [range.first, lastOf(range)];
    near.set(vpc_id, [Math.min(lowest, range.first), Math.max(highest, lastOf(range))]);
  }
  return new Map([...near].map(([id, [lowest, highest]]) => [id, Math.clz32(lowest ^ highest)]));
}
