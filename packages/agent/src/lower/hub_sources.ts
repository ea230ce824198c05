import { cidr4, formatIpv4, type NetworkSlice } from "@onehop/core";
import { hubSourcePrefix } from "@onehop/datapath/layout";
import type { HubSourceKey } from "@onehop/datapath/maps.gen";
import { type Entries, partOf, type Rows } from "./entries.ts";
import type { Memos } from "./memos.ts";
import type { Opened } from "./plan.ts";

/** Ranges of one VPC: what the others need stays free. */
const MOST = 8192;

/**
 * Where this host is a hub: the further source ranges of other hosts' ports. What finds no room costs its guest the way
 * by this hub, and nobody else anything.
 */
export function lowerHubSources(plan: Opened, { hub_sources }: Entries, memos: Memos): void {
  const { number } = plan.own;
  const hubbed = plan.vpcs.filter(({ learning }) => learning?.hubs.includes(number));
  const keysIn = new Map(hubbed.map(({ vni }) => [vni, [] as (readonly HubSourceKey[])[]]));
  for (const network of plan.networks)
    keysIn.get(network.vpc_vni)?.push(memos.hubSourceKeys.of(network, [number], () => keysOf(network, number)));
  for (const vpc of hubbed) {
    const keys = keysIn.get(vpc.vni) ?? [];
    hub_sources.addPart(memos.hubSources.of(vpc, keys, () => partOf("hub_sources", rowsOf(keys.flat()))));
  }
}

const rowsOf = (keys: readonly HubSourceKey[]): Rows["hub_sources"][] =>
  keys.slice(0, MOST).map((key) => [key, { yes: 1 }]);

function keysOf({ vpc_vni: vpc, ports }: NetworkSlice, own: number): readonly HubSourceKey[] {
  const keys = ports
    .filter(({ host }) => host !== own)
    .flatMap(({ host, allowed_addresses }) =>
      allowed_addresses.map(cidr4).map((range) => ({
        prefix: hubSourcePrefix(range.prefix),
        vpc,
        host,
        address: formatIpv4(range.first),
      })),
    );
  return keys.length > 0 ? keys : NO_KEYS;
}

/** Always the same: networks without any do not make their VPC's rows others. */
const NO_KEYS: readonly HubSourceKey[] = [];
