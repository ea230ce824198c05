import { cidr4, formatIpv4, type NetworkSlice } from "@onehop/core";
import { hubSourcePrefix } from "@onehop/datapath/layout";
import type { HubSourceKey } from "@onehop/datapath/maps.gen";
import type { Entries } from "./entries.ts";
import type { Opened } from "./plan.ts";

/** Ranges of one VPC: what the others need stays free. */
const MOST = 8192;

/**
 * Where this host is a hub: the further source ranges of other hosts' ports. What finds no room costs its guest the way
 * by this hub, and nobody else anything.
 */
export function lowerHubSources(plan: Opened, { hub_sources }: Entries): void {
  const hubbed = plan.vpcs.filter(({ learning }) => learning?.hubs.includes(plan.own.number));
  for (const { vni: vpc } of hubbed) {
    const keys = plan.networks.filter(({ vpc_vni }) => vpc_vni === vpc).flatMap((n) => keysOf(n, plan.own.number));
    for (const key of keys.slice(0, MOST)) hub_sources.add(key, { yes: 1 });
  }
}

const keysOf = ({ vpc_vni: vpc, ports }: NetworkSlice, own: number): HubSourceKey[] =>
  ports
    .filter(({ host }) => host !== own)
    .flatMap(({ host, allowed_addresses }) =>
      allowed_addresses.map(cidr4).map((range) => ({
        prefix: hubSourcePrefix(range.prefix),
        vpc,
        host,
        address: formatIpv4(range.first),
      })),
    );
