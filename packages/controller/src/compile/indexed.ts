import type { At, Host, Intent, Network, Port, Route, Vpc } from "@onehop/core";
import type { IntentView } from "@onehop/store";
import { isHub, type LearningFacts, NO_FACTS } from "./learning.ts";

/** Intent with the look-ups that compiling needs. IntentView keeps them up to date; `indexed` makes them from scratch. */
export interface IndexedIntent {
  readonly intent: Intent;
  /** Bound and unbound ones. */
  portsOfNetwork(id: string): Iterable<At<Port>>;
  portsOfHost(id: string): Iterable<At<Port>>;
  networksOfVpc(id: string): Iterable<At<Network>>;
  routesOfVpc(id: string): Iterable<At<Route>>;
  /** All hosts that are hubs. */
  hubs(): Iterable<At<Host>>;
  readonly learning: LearningFacts;
}

function grouped<T>(objects: ReadonlyMap<string, T>, parent: (object: T) => string | undefined): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const object of objects.values()) {
    const id = parent(object);
    if (id === undefined) continue;
    const group = groups.get(id);
    if (group) group.push(object);
    else groups.set(id, [object]);
  }
  return groups;
}

export function indexed(intent: Intent, learning = NO_FACTS): IndexedIntent {
  const byNetwork = grouped(intent.ports, (p) => p.network_id);
  const byHost = grouped(intent.ports, (p) => p.host_id);
  const networks = grouped(intent.networks, (n) => n.vpc_id);
  const routes = grouped(intent.routes, (r) => r.vpc_id);
  const hubs = [...intent.hosts.values()].filter(isHub);
  return {
    intent,
    portsOfNetwork: (id) => byNetwork.get(id) ?? [],
    portsOfHost: (id) => byHost.get(id) ?? [],
    networksOfVpc: (id) => networks.get(id) ?? [],
    routesOfVpc: (id) => routes.get(id) ?? [],
    hubs: () => hubs,
    learning,
  };
}

/** The view's own indexes: always up to date, nothing is copied. */
export const liveIndexes = (view: IntentView, learning: LearningFacts): IndexedIntent => ({
  intent: view,
  portsOfNetwork: (id) => view.portsByNetwork.of(id).values(),
  portsOfHost: (id) => view.portsByHost.of(id).values(),
  networksOfVpc: (id) => view.networksByVpc.of(id).values(),
  routesOfVpc: (id) => view.routesByVpc.of(id).values(),
  hubs: () => [...view.hostsByRole.of("hub").values()].filter(isHub),
  learning,
});

/** What a port needs to be part of a plan, all of it there. */
export interface Placed {
  readonly vpc: At<Vpc>;
  readonly network: At<Network>;
  readonly host: At<Host>;
}

/** Where a bound port is, or why that cannot be said: one bad object must not stop the others. */
export function placed(intent: Intent, port: Port): Placed | string {
  const network = intent.networks.get(port.network_id);
  if (!network) return `Its network ${port.network_id} is not there.`;
  const vpc = intent.vpcs.get(network.vpc_id);
  if (!vpc) return `The VPC ${network.vpc_id} of its network is not there.`;
  const host = port.host_id === undefined ? undefined : intent.hosts.get(port.host_id);
  if (!host) return port.host_id === undefined ? "It is not bound." : `Its host ${port.host_id} is not there.`;
  return { vpc, network, host };
}

export const byId = (a: { readonly id: string }, b: { readonly id: string }): number =>
  a.id < b.id ? -1 : a.id > b.id ? 1 : 0;
