import {
  type At,
  type Cidr4,
  cidr4,
  contains,
  type Host,
  type Intent,
  ipv4,
  type Network,
  type Port,
  type Vpc,
} from "@onehop/core";

/** A bound port and all it hangs on. */
export interface Place {
  readonly port: At<Port>;
  readonly network: At<Network>;
  readonly vpc: At<Vpc>;
  readonly host: At<Host>;
}

/** What a longest match of a VPC's ranges and static routes finds. */
export type Match = { readonly kind: "range" } | { readonly kind: "via"; readonly next_hop: string };
interface Prefix {
  readonly range: Cidr4;
  readonly match: Match;
}

/** Intent, indexed by what packets ask for. Ports that are not bound do not exist here. */
export class World {
  readonly #places = new Map<string, Place>();
  readonly #byAddress = new Map<string, Place>();
  readonly #byMac = new Map<string, Place>();
  readonly #gateways = new Map<string, At<Network>>();
  readonly #prefixes = new Map<string, Prefix[]>();
  readonly #hostByTunnel = new Map<string, At<Host>>();
  readonly #networkByVni = new Map<number, At<Network>>();
  readonly #vpcByVni = new Map<number, At<Vpc>>();
  readonly #served = new Set<string>();
  readonly #hosts: ReadonlyMap<string, At<Host>>;

  constructor(intent: Intent) {
    this.#hosts = intent.hosts;
    for (const host of intent.hosts.values()) this.#hostByTunnel.set(host.tunnel_address, host);
    for (const vpc of intent.vpcs.values()) {
      this.#vpcByVni.set(vpc.vni, vpc);
      this.#prefixes.set(vpc.id, prefixesOf(vpc, intent));
    }
    for (const network of intent.networks.values()) {
      this.#networkByVni.set(network.vni, network);
      this.#gateways.set(`${network.vpc_id} ${network.gateway}`, network);
    }
    for (const port of intent.ports.values()) this.#addPort(port, intent);
  }

  #addPort(port: At<Port>, intent: Intent): void {
    const network = intent.networks.get(port.network_id);
    const vpc = network && intent.vpcs.get(network.vpc_id);
    const host = port.host_id === undefined ? undefined : intent.hosts.get(port.host_id);
    if (!network || !vpc || !host) return;
    const place = { port, network, vpc, host };
    this.#places.set(port.id, place);
    this.#byMac.set(`${network.id} ${port.mac}`, place);
    for (const address of port.addresses) this.#byAddress.set(`${vpc.id} ${address}`, place);
    this.#served.add(`${host.id} ${vpc.id}`);
    this.#served.add(`${host.id} ${network.id}`);
  }

  place(portId: string): Place | undefined {
    return this.#places.get(portId);
  }
  byAddress(vpc: Vpc, address: string): Place | undefined {
    return this.#byAddress.get(`${vpc.id} ${address}`);
  }
  byMac(network: Network, mac: string): Place | undefined {
    return this.#byMac.get(`${network.id} ${mac}`);
  }
  /** Ports of the VPC that may send in the address's name besides its owner. */
  portsAllowed(vpc: At<Vpc>, address: string): Place[] {
    const n = ipv4(address);
    return [...this.#places.values()].filter(
      (p) => p.vpc.id === vpc.id && p.port.allowed_addresses.some((range) => contains(cidr4(range), n)),
    );
  }
  /** The network of the VPC whose gateway has the address. */
  gateway(vpc: Vpc, address: string): At<Network> | undefined {
    return this.#gateways.get(`${vpc.id} ${address}`);
  }
  host(id: string): At<Host> | undefined {
    return this.#hosts.get(id);
  }
  hostByNumber(number: number): At<Host> | undefined {
    return [...this.#hosts.values()].find((h) => h.number === number);
  }
  hostByTunnel(address: string): At<Host> | undefined {
    return this.#hostByTunnel.get(address);
  }
  networkByVni(vni: number): At<Network> | undefined {
    return this.#networkByVni.get(vni);
  }
  vpcByVni(vni: number): At<Vpc> | undefined {
    return this.#vpcByVni.get(vni);
  }
  /** Does the host have a port of the VPC? */
  serves(host: At<Host>, vpcId: string): boolean {
    return this.#served.has(`${host.id} ${vpcId}`);
  }
  servesNetwork(host: At<Host>, networkId: string): boolean {
    return this.#served.has(`${host.id} ${networkId}`);
  }

  /** Longest match among ranges and static routes; on a tie the route. */
  longestMatch(vpc: Vpc, address: string): Match | undefined {
    const n = ipv4(address);
    return this.#prefixes.get(vpc.id)?.find((p) => contains(p.range, n))?.match;
  }
}

/** Longest first, routes before ranges of the same length. */
function prefixesOf(vpc: Vpc, intent: Intent): Prefix[] {
  const routes = [...intent.routes.values()].filter((r) => r.vpc_id === vpc.id);
  const prefixes: Prefix[] = [
    ...routes.map((r) => ({ range: cidr4(r.destination), match: { kind: "via" as const, next_hop: r.next_hop } })),
    ...vpc.cidrs.map((text) => ({ range: cidr4(text), match: { kind: "range" as const } })),
  ];
  return prefixes.sort((a, b) => b.range.prefix - a.range.prefix);
}

const worlds = new WeakMap<Intent, World>();

/** The world of an Intent, made once. */
export function worldOf(intent: Intent): World {
  let world = worlds.get(intent);
  if (!world) {
    world = new World(intent);
    worlds.set(intent, world);
  }
  return world;
}
