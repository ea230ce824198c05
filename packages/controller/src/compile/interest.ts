import type { Network, SliceId } from "@onehop/core";
import { type IndexedIntent, placed } from "./indexed.ts";
import { hasHubs, hubsOf, isHub, learns } from "./learning.ts";

/**
 * Which slices a host gets, sorted: the one place that decides who hears of what. A VPC's hubs get all of it. Of one that
 * learns, other hosts get the networks that they have a port in; of one that does not, whoever serves it gets all.
 */
export function slicesFor(view: IndexedIntent, hostId: string): SliceId[] {
  const slices = new Set<SliceId>(["hosts", `host/${hostId}`]);
  const { vpcs, networks } = served(view, hostId);
  for (const vpcId of vpcs) {
    slices.add(`vpc/${vpcId}`);
    if (!learns(view, vpcId)) for (const network of view.networksOfVpc(vpcId)) networks.add(network.id);
  }
  for (const networkId of networks) slices.add(`network/${networkId}`);
  for (const vpcId of hubbedBy(view, hostId)) {
    slices.add(`vpc/${vpcId}`);
    for (const network of view.networksOfVpc(vpcId)) slices.add(`network/${network.id}`);
  }
  return [...slices].sort();
}

/** VPCs and networks that the host has a port in. */
function served(view: IndexedIntent, hostId: string) {
  const vpcs = new Set<string>();
  const networks = new Set<string>();
  for (const port of view.portsOfHost(hostId)) {
    const place = placed(view.intent, port);
    if (typeof place === "string") continue;
    vpcs.add(place.vpc.id);
    networks.add(place.network.id);
  }
  return { vpcs, networks };
}

/** VPCs that the host is a hub of. */
export function* hubbedBy(view: IndexedIntent, hostId: string): Iterable<string> {
  if (!isHub(view.intent.hosts.get(hostId))) return;
  for (const vpcId of view.intent.vpcs.keys()) if (hubs(view, hostId, vpcId)) yield vpcId;
}

const hubs = (view: IndexedIntent, hostId: string, vpcId: string): boolean =>
  hasHubs(view, vpcId) && hubsOf(view, vpcId).some((hub) => hub.id === hostId);

/** Whether slicesFor has the network's slice and its VPC's, asked without listing. */
export function wants(view: IndexedIntent, hostId: string, network: Network): { network: boolean; vpc: boolean } {
  if (isHub(view.intent.hosts.get(hostId)) && hubs(view, hostId, network.vpc_id)) return { network: true, vpc: true };
  let vpc = false;
  for (const port of view.portsOfHost(hostId)) {
    const isIn = port.network_id === network.id;
    // Asked for each change of a port, of a host that may have many: what can tell nothing new is passed over.
    if (!isIn && (vpc || view.intent.networks.get(port.network_id)?.vpc_id !== network.vpc_id)) continue;
    const place = placed(view.intent, port);
    if (typeof place === "string" || place.vpc.id !== network.vpc_id) continue;
    if (isIn) return { network: true, vpc: true };
    vpc = true;
  }
  return { network: vpc && !learns(view, network.vpc_id), vpc };
}
