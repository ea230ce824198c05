import type { At, Host, Network, Port, SliceId, Vpc } from "@onehop/core";
import type { IntentChange } from "@onehop/store";
import { type IndexedIntent, placed } from "./indexed.ts";
import { wants } from "./interest.ts";
import { hasHubs, hubsOf, isHub, learns } from "./learning.ts";

interface Pair<T> {
  readonly id: string;
  readonly before?: At<T> | undefined;
  readonly after?: At<T> | undefined;
}

/** What is compiled already, as far as the next step needs to know it. */
export interface Known {
  /** Slices of the host's plan. */
  wantedBy(hostId: string): ReadonlySet<SliceId>;
  /** Hosts whose plan has the slice. */
  hostsOf(id: SliceId): Iterable<string>;
}

/** Slices whose content the change may have changed. `view` has the change already. */
export function dirtied(change: IntentChange, view: IndexedIntent, known: Known): Iterable<SliceId> {
  switch (change.kind) {
    case "project":
      return [];
    case "host":
      return hostDirtied(change, view);
    case "vpc":
      return vpcDirtied(change, view, known);
    case "network":
      return networkDirtied(change, view, known);
    case "port":
      return portDirtied(change, view, known);
    case "route":
      return [change.before, change.after].flatMap((r) => (r ? [`vpc/${r.vpc_id}` as const] : []));
  }
}

/** Ports name their host by number, so those bound to it follow when it comes, goes or is numbered anew. */
function* hostDirtied({ id, before, after }: Pair<Host>, view: IndexedIntent): Iterable<SliceId> {
  yield "hosts";
  yield `host/${id}`;
  if (isHub(before) !== isHub(after) || (isHub(after) && before?.number !== after?.number)) yield* everyone(view);
  if (before?.number === after?.number) return;
  for (const port of view.portsOfHost(id)) yield `network/${port.network_id}`;
}

/** A hub more or less may change who learns and from whom, in any VPC. */
function* everyone({ intent }: IndexedIntent): Iterable<SliceId> {
  for (const id of intent.hosts.keys()) yield `host/${id}`;
  for (const id of intent.vpcs.keys()) yield `vpc/${id}`;
}

/** Slices that follow when a VPC's key comes, changes or goes, or the VPC is further on its way to learning. */
export function* keyDirtied(vpcId: string, view: IndexedIntent, known: Known): Iterable<SliceId> {
  yield `vpc/${vpcId}`;
  yield* hostSlices(known.hostsOf(`vpc/${vpcId}`));
  for (const hub of hubsOf(view, vpcId)) yield `host/${hub.id}`;
}

/** Networks carry their VPC's VNI; when a VPC comes or goes, so does the hosts' interest in it. */
function* vpcDirtied({ id, before, after }: Pair<Vpc>, view: IndexedIntent, known: Known): Iterable<SliceId> {
  yield `vpc/${id}`;
  if (before?.vni === after?.vni) return;
  yield* keyDirtied(id, view, known);
  for (const network of view.networksOfVpc(id)) {
    yield `network/${network.id}`;
    yield* hostsWithPortsIn(network.id, view);
  }
}

function* networkDirtied({ id, before, after }: Pair<Network>, view: IndexedIntent, known: Known): Iterable<SliceId> {
  yield `network/${id}`;
  if (before && after && before.vpc_id === after.vpc_id) return;
  for (const network of [before, after]) if (network) yield* hostsHearing(network, view, known);
  yield* hostsWithPortsIn(id, view);
}

/** Hosts that hear of a network without having a port in it, or did. */
function hostsHearing(network: Network, view: IndexedIntent, known: Known): Iterable<SliceId> {
  const hosts = new Set(known.hostsOf(`network/${network.id}`));
  if (hasHubs(view, network.vpc_id)) for (const hub of hubsOf(view, network.vpc_id)) hosts.add(hub.id);
  if (!learns(view, network.vpc_id)) for (const id of known.hostsOf(`vpc/${network.vpc_id}`)) hosts.add(id);
  return hostSlices(hosts);
}

/** A host's own slice changes only with its first port in a VPC, or a network that it hears of, and with its last. */
function* portDirtied({ before, after }: Pair<Port>, view: IndexedIntent, known: Known): Iterable<SliceId> {
  for (const port of [before, after]) {
    if (port?.host_id === undefined) continue;
    yield `network/${port.network_id}`;
    const place = placed(view.intent, port);
    if (typeof place === "string") {
      yield `host/${port.host_id}`;
      continue;
    }
    const now = wants(view, port.host_id, place.network);
    const slices = known.wantedBy(port.host_id);
    if (slices.has(`vpc/${place.vpc.id}`) !== now.vpc || slices.has(`network/${place.network.id}`) !== now.network)
      yield `host/${port.host_id}`;
  }
}

function* hostsWithPortsIn(networkId: string, view: IndexedIntent): Iterable<SliceId> {
  for (const port of view.portsOfNetwork(networkId)) if (port.host_id !== undefined) yield `host/${port.host_id}`;
}

function* hostSlices(hosts: Iterable<string>): Iterable<SliceId> {
  for (const id of hosts) yield `host/${id}`;
}
