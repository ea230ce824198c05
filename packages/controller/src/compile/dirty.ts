import type { At, Host, HostSlice, Network, Port, SliceId, Vpc } from "@onehop/core";
import type { IntentChange } from "@onehop/store";
import { type IndexedIntent, placed } from "./indexed.ts";
import { serves } from "./interest.ts";

interface Pair<T> {
  readonly id: string;
  readonly before?: At<T> | undefined;
  readonly after?: At<T> | undefined;
}

/** What is compiled already, as far as the next step needs to know it. */
export interface Known {
  hostSlice(hostId: string): HostSlice | undefined;
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
  if (before?.number === after?.number) return;
  for (const port of view.portsOfHost(id)) yield `network/${port.network_id}`;
}

/** Networks carry their VPC's VNI; when a VPC comes or goes, so does the hosts' interest in it. */
function* vpcDirtied({ id, before, after }: Pair<Vpc>, view: IndexedIntent, known: Known): Iterable<SliceId> {
  yield `vpc/${id}`;
  if (before?.vni === after?.vni) return;
  yield* hostSlices(known.hostsOf(`vpc/${id}`));
  for (const network of view.networksOfVpc(id)) {
    yield `network/${network.id}`;
    yield* hostsWithPortsIn(network.id, view);
  }
}

function* networkDirtied({ id, before, after }: Pair<Network>, view: IndexedIntent, known: Known): Iterable<SliceId> {
  yield `network/${id}`;
  if (before && after && before.vpc_id === after.vpc_id) return;
  for (const network of [before, after]) if (network) yield* hostSlices(known.hostsOf(`vpc/${network.vpc_id}`));
  yield* hostsWithPortsIn(id, view);
}

/** A host's own slice changes only with its first port in a VPC and with its last. */
function* portDirtied({ before, after }: Pair<Port>, view: IndexedIntent, known: Known): Iterable<SliceId> {
  for (const port of [before, after]) {
    if (port?.host_id === undefined) continue;
    yield `network/${port.network_id}`;
    const place = placed(view.intent, port);
    if (typeof place === "string") {
      yield `host/${port.host_id}`;
      continue;
    }
    const planned = known.hostSlice(port.host_id)?.slices.includes(`vpc/${place.vpc.id}`) ?? false;
    if (serves(view, port.host_id, place.vpc.id) !== planned) yield `host/${port.host_id}`;
  }
}

function* hostsWithPortsIn(networkId: string, view: IndexedIntent): Iterable<SliceId> {
  for (const port of view.portsOfNetwork(networkId)) if (port.host_id !== undefined) yield `host/${port.host_id}`;
}

function* hostSlices(hosts: Iterable<string>): Iterable<SliceId> {
  for (const id of hosts) yield `host/${id}`;
}
