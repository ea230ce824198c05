import type { At, Host, Network, Vpc } from "@onehop/core";
import type { Match, Place, World } from "./world.ts";

/** What the hosts know of one VPC that learns, at one moment. Of any other VPC, whoever serves it knows everything. */
export interface Knowledge {
  /** Of the store: the first part of every claim's generation. */
  readonly epoch: number;
  /** Hosts, by id, that hold the VPC's whole table, or load it. */
  readonly hubs: ReadonlySet<string>;
  /** Those that hosts send to. */
  readonly used: ReadonlySet<string>;
  /** Hubs that may lack something, with the ports whose addresses they lack. They say unknown to nobody. */
  readonly doubtful: ReadonlyMap<string, ReadonlySet<string>>;
  /** What was learned from use, by `host id` + blank + `address`. */
  readonly learned: ReadonlyMap<string, Learned>;
  /** Id of the host that an address was bound to until lately. */
  readonly former: ReadonlyMap<string, string>;
  /** Nothing came from other hosts lately: who gets a packet is asked whether it is there. */
  readonly unheard: boolean;
}

/** Which host said "mine", and of which port and binding. */
export interface Learned {
  readonly host: string;
  readonly port: string;
  readonly revision: number;
  /** Its host was asked within the last second, or vouched for it. */
  readonly fresh: boolean;
}

/** By id of the VPC; those that are not in it do not learn. */
export type Known = ReadonlyMap<string, Knowledge>;
export const ALL_PUSHED: Known = new Map();

/** One VPC as one host sees it. */
export class Sight {
  readonly world: World;
  readonly here: At<Host>;
  readonly vpc: At<Vpc>;
  /** Undefined: the VPC does not learn. */
  readonly knowledge: Knowledge | undefined;

  constructor(world: World, here: At<Host>, vpc: At<Vpc>, known: Known) {
    this.world = world;
    this.here = here;
    this.vpc = vpc;
    this.knowledge = known.get(vpc.id);
  }

  /** Does the host take packets of the VPC at all? */
  get serves(): boolean {
    return this.world.serves(this.here, this.vpc.id) || this.isHub;
  }
  get isHub(): boolean {
    return this.knowledge?.hubs.has(this.here.id) ?? false;
  }
  /** What it does not know is not there. */
  get isWhole(): boolean {
    return !this.knowledge || (this.isHub && !this.knowledge.doubtful.has(this.here.id));
  }
  /** Whether it is told of the network's ports. */
  hears(network: At<Network>): boolean {
    return !this.knowledge || this.isHub || this.world.servesNetwork(this.here, network.id);
  }

  /** The port with the address, where the controllers told this host. */
  told(address: string): Place | undefined {
    const place = this.world.byAddress(this.vpc, address);
    if (!place || !this.hears(place.network)) return undefined;
    return this.knowledge?.doubtful.get(this.here.id)?.has(place.port.id) ? undefined : place;
  }
  learned(address: string): Learned | undefined {
    return this.knowledge?.learned.get(`${this.here.id} ${address}`);
  }
  /** The address itself where that is known; else the next hop of the route to it, or itself. */
  target(address: string): { readonly address: string; readonly match: Match | undefined } {
    if (this.told(address) || this.learned(address)) return { address, match: undefined };
    const match = this.world.longestMatch(this.vpc, address);
    return { address: match?.kind === "via" ? match.next_hop : address, match };
  }
  /** The port with the address, else the next hop of the route to it, as far as this host was told. */
  placeOf(address: string): Place | undefined {
    const own = this.told(address);
    const match = own ? undefined : this.world.longestMatch(this.vpc, address);
    return match?.kind === "via" ? this.told(match.next_hop) : own;
  }
  /** The network whose gateway has the address, where the controllers told this host of it. */
  gateway(address: string): At<Network> | undefined {
    const network = this.world.gateway(this.vpc, address);
    return network && this.hears(network) ? network : undefined;
  }
  /** Any of them may carry what this host does not know, but for the one that it came from. */
  otherHubs(sender?: At<Host>): At<Host>[] {
    const others = [...(this.knowledge?.used ?? [])].filter((id) => id !== this.here.id && id !== sender?.id);
    return others.map((id) => this.world.host(id)!);
  }
  isUsed(host: At<Host>): boolean {
    return this.knowledge?.used.has(host.id) ?? false;
  }
  /** Is the source, as far as this host was told, a guest's there, or was it lately? */
  maySendFrom(collector: At<Host>, source: string): boolean {
    if (this.placeOf(source)?.host.id === collector.id || this.wasAt(source, collector.id)) return true;
    return this.world.portsAllowed(this.vpc, source).some(({ host }) => host.id === collector.id);
  }
  wasAt(address: string, host: string): boolean {
    return this.knowledge?.former.get(address) === host;
  }
}
