import type { Host, Intent, Network, Port, Vpc } from "@onehop/core";
import { IntentBuilder } from "@onehop/testkit/intent_builder";
import { NO_INTENT } from "@onehop/testkit/recompute";

export const PROJECT = "00000000-0000-4000-8000-00000000face";
const mac = (n: number) => `0a:00:00:00:00:${n.toString(16).padStart(2, "0")}`;

/** Two hosts, a VPC of two networks, a port of each network on each host. Later states are this one, changed. */
function base() {
  const make = new IntentBuilder();
  const h1 = make.host({ name: "h1", number: 1, tunnel_address: "192.0.2.1" });
  const h2 = make.host({ name: "h2", number: 2, tunnel_address: "192.0.2.2" });
  const vpc = make.vpc({ project_id: PROJECT, cidrs: ["10.0.0.0/16"], vni: 5000 });
  const front = make.network(vpc, { cidr: "10.0.1.0/24", gateway: "10.0.1.1", vni: 5001 });
  const back = make.network(vpc, { cidr: "10.0.2.0/24", gateway: "10.0.2.1", vni: 5002 });
  const a1 = make.port(front, { addresses: ["10.0.1.5"], mac: mac(1), host_id: h1.id });
  const a2 = make.port(front, { addresses: ["10.0.1.6"], mac: mac(2), host_id: h2.id });
  const b1 = make.port(back, { addresses: ["10.0.2.5"], mac: mac(3), host_id: h1.id });
  const other = make.vpc({ project_id: PROJECT, cidrs: ["10.0.0.0/16"], vni: 6000 });
  const twin = make.network(other, { cidr: "10.0.1.0/24", gateway: "10.0.1.1", vni: 6001 });
  const t1 = make.port(twin, { addresses: ["10.0.1.5"], mac: mac(1), host_id: h1.id });
  const t2 = make.port(twin, { addresses: ["10.0.1.6"], mac: mac(2) });
  const intent = make.build();
  return { intent, h1, h2, vpc, front, back, a1, a2, b1, other, twin, t1, t2 };
}

export const BASE = base();
const { intent, h1, h2, vpc, front, back, a1, a2, b1, t2 } = BASE;

interface Objects {
  hosts: Host;
  vpcs: Vpc;
  networks: Network;
  ports: Port;
}

/** The Intent with one object more, changed, or gone. */
export function set<K extends keyof Objects>(
  from: Intent,
  kind: K,
  id: string,
  change: Partial<Objects[K]> | null,
): Intent {
  const objects = new Map(from[kind] as ReadonlyMap<string, object>);
  if (change === null) objects.delete(id);
  else objects.set(id, { ...objects.get(id), ...change, id });
  return { ...from, revision: from.revision + 1, [kind]: objects };
}

const { host_id: _bound, ...unboundA2 } = a2;
const unbound: Intent = { ...intent, ports: new Map(intent.ports).set(a2.id, unboundA2) };

/** Named Intents that the sequence tests walk in every order. */
export const STATES: Readonly<Record<string, Intent>> = {
  empty: NO_INTENT,
  hostsOnly: { ...NO_INTENT, revision: 2, hosts: intent.hosts },
  twoHostsTwoNetworks: intent,
  a2Unbound: unbound,
  a2Gone: set(intent, "ports", a2.id, null),
  a2OnH1: set(intent, "ports", a2.id, { host_id: h1.id, binding_revision: 90 }),
  h1WithoutPorts: set(set(intent, "ports", a1.id, { host_id: h2.id }), "ports", b1.id, { host_id: h2.id }),
  twinOnH2: set(intent, "ports", t2.id, { host_id: h2.id, device: { kind: "adopt", name: "p99" } }),
  backGone: set(set(intent, "ports", b1.id, null), "networks", back.id, null),
  frontWithoutVpc: set(intent, "networks", front.id, { vpc_id: "00000000-0000-4000-8000-999999999999" }),
  vpcGoneNetworksLeft: set(intent, "vpcs", vpc.id, null),
  portsWithoutNetwork: set(intent, "networks", front.id, null),
  h2Gone: set(intent, "hosts", h2.id, null),
  h2IsAPeer: set(intent, "hosts", h2.id, { kind: "vxlan-peer" }),
  h2Renumbered: set(intent, "hosts", h2.id, { number: 7 }),
  withRoute: {
    ...intent,
    routes: new Map([
      [
        "r1",
        {
          id: "r1",
          name: "r1",
          labels: {},
          created_at: "2025-01-01T00:00:00Z",
          updated_at: "2025-01-01T00:00:00Z",
          revision: 50,
          vpc_id: vpc.id,
          project_id: PROJECT,
          destination: "172.16.0.0/12",
          next_hop: "10.0.2.5",
        },
      ],
    ]),
  },
};

/** The same Intent with the objects of each noun in the opposite order. */
export const reversedKeys = (from: Intent): Intent => ({
  ...from,
  hosts: new Map([...from.hosts].reverse()),
  vpcs: new Map([...from.vpcs].reverse()),
  networks: new Map([...from.networks].reverse()),
  ports: new Map([...from.ports].reverse()),
  routes: new Map([...from.routes].reverse()),
});
