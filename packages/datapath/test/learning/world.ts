/** Hosts of a VPC that learns, with their programs, and a wire between them that loses and changes what it is told to. */
import { GATEWAY_MAC, packet } from "@onehop/core";
import {
  Device,
  HostKind,
  HostRig,
  Learn,
  Learns,
  lpmPrefix,
  messageIn,
  type Peer,
  Place,
  RouteKind,
  type Verdict,
  VniKind,
  type VpcRules,
} from "../../src/index.ts";

const { frame, eth, ipv4, udp } = packet;

export const VPC = 5000;
export const NETWORK = { front: 5001, back: 5002 } as const;
const GATEWAYS = { front: "10.0.1.1", back: "10.0.2.1" } as const;
export const KEY = "000102030405060708090a0b0c0d0e0f";
export const tunnel = (host: number): string => `192.0.2.${host}`;
export const EPOCH = 3;
const UPLINK = 50;
const NOBODY = "00:00:00:00:00:00";

/** `a` is on host 1, `b` on host 2; 3 and 4 are the hubs; host 5 has nobody. */
export const A = { slot: 1, net: "front", address: "10.0.1.11", mac: "0a:00:00:00:00:01" } as const;
export const B = { slot: 2, net: "back", address: "10.0.2.22", mac: "0a:00:00:00:00:02" } as const;
export const HUBS = [3, 4] as const;
export interface Guest {
  readonly slot: number;
  readonly net: "front" | "back";
  readonly address: string;
  readonly mac: string;
}
export const portId = (g: Guest): string => `00000000-0000-4000-8000-${String(g.slot).padStart(12, "0")}`;

/** What a host made of a frame that came to it by the wire. */
export interface Hop extends Verdict {
  readonly at: number;
}

const NOW_ON = 2n ** 62n;
const RULES: VpcRules = {
  hubs: [3, 4, 0, 0],
  epoch: EPOCH,
  max_learned: 1000,
  ...{ ask_rate: 0, ask_burst: 0, port_ask_rate: 0, port_ask_burst: 0, is_hub: 0, fits: 0 },
};

/** What tests and programs write. */
const CLEARED = [
  ...(["destinations", "learned", "learned_use", "questions", "unknowns", "rosters", "vouched"] as const),
  ...(["confirmed", "floors", "barred", "moved", "hub_sources"] as const),
] as const;
interface Clearable {
  delete(key: unknown): boolean;
}
const NEVER_HEARD: Peer = {
  ...{ heard: 0n, answered: 0n, probed: 0n, first: 0n, silent_since: 0n, held_until: 0n },
  ...{ nonce: 0, tries: 0, open: 0, falls: 0, silent: 0, vpc: 0 },
};
const SMALL = { learned: 256, questions: 256, unknowns: 256, destinations: 256, macs: 16 };

export class LearningWorld {
  private readonly hosts: readonly number[];
  readonly rigs = new Map<number, HostRig>();
  /** Hosts that take nothing from the wire. */
  readonly dead = new Set<number>();

  constructor(hosts: readonly number[] = [1, 2, 3, 4, 5]) {
    this.hosts = hosts;
    for (const host of hosts)
      this.rigs.set(host, new HostRig({ config: { tunnel_address: tunnel(host), host }, maxEntries: SMALL }));
    this.reset();
  }

  /** As it was made, buckets aside. Making hosts anew takes much longer. */
  reset(): void {
    this.dead.clear();
    for (const [host, rig] of this.rigs) {
      for (const name of CLEARED) for (const [key] of [...rig.maps[name]]) (rig.maps[name] as Clearable).delete(key);
      for (const other of this.hosts) rig.maps.peers.set(other, NEVER_HEARD);
      for (const what of Object.values(Learn)) if (what < Learn.MAX) rig.maps.learning.reset(what);
      rig.maps.ways.reset(A.slot);
      this.fill(host, rig);
    }
    this.bind(1, A, 10);
    this.bind(2, B, 20);
  }

  at(host: number): HostRig {
    return this.rigs.get(host)!;
  }

  close(): void {
    for (const rig of this.rigs.values()) rig.close();
  }

  private fill(self: number, rig: HostRig): void {
    const { maps } = rig;
    for (const other of this.hosts) {
      if (other === self) continue;
      maps.tunnels.set({ address: tunnel(other) }, { host: other, kind: HostKind.ONEHOP });
      maps.hosts.set(other, {
        tunnel_address: tunnel(other),
        uplink: UPLINK,
        next_hop: "198.51.100.1",
        kind: HostKind.ONEHOP,
      });
    }
    maps.vnis.set({ vni: VPC }, { vpc: VPC, kind: VniKind.VPC, gateway: "0.0.0.0", gateway_mac: NOBODY });
    maps.routes.set(
      { prefix: lpmPrefix(16), vpc: VPC, address: "10.0.0.0" },
      { kind: RouteKind.RANGE, next_hop: "::" },
    );
    maps.vpc_keys.set({ vpc: VPC }, { version: 1, former_version: 0, current: KEY, former: "0".repeat(32) });
    this.rules(rig, HUBS.some((h) => h === self) ? { is_hub: 1, fits: 1 } : {});
    maps.hub_sync.set(0, { until: NOW_ON });
  }

  /** Sets the VPC's rules anew at a host. */
  rules(rig: HostRig, changes: Partial<VpcRules>): void {
    rig.maps.vpc_rules.set({ vpc: VPC }, { ...RULES, ...changes });
  }

  /** The guest is at the host, and the hubs know it. */
  bind(host: number, g: Guest, revision: number): void {
    const { maps } = this.at(host);
    const key = { vpc: VPC, address: g.address };
    const entry = { network: NETWORK[g.net], mac: g.mac };
    maps.destinations.set(key, { ...entry, place: Place.LOCAL, where: g.slot });
    maps.destinations.set(
      { vpc: VPC, address: GATEWAYS[g.net] },
      { network: NETWORK[g.net], mac: GATEWAY_MAC, place: Place.GATEWAY, where: 0 },
    );
    maps.endpoints.set(g.slot, {
      ...{ port: portId(g), generation: revision, vpc: VPC, network: NETWORK[g.net], ifindex: 100 + g.slot, mtu: 1450 },
      ...{ address: g.address, gateway: GATEWAYS[g.net], mac: g.mac, gateway_mac: GATEWAY_MAC },
      ...{ device: Device.VETH, has_allowed: 0, learns: Learns.YES, near: 0 },
    });
    for (const hub of HUBS)
      if (hub !== host) this.rigs.get(hub)?.maps.destinations.set(key, { ...entry, place: Place.REMOTE, where: host });
  }

  unbind(host: number, g: Guest): void {
    this.at(host).maps.destinations.delete({ vpc: VPC, address: g.address });
    this.at(host).maps.endpoints.set(g.slot, { ...this.at(host).maps.endpoints.get(g.slot)!, device: Device.NONE });
  }

  /** A frame from host to host, and on, to its end: what every host on the way made of it. */
  carry(to: number, sent: Uint8Array): Hop[] {
    const rig = this.rigs.get(to);
    if (!rig || this.dead.has(to)) return [];
    const hop = { ...rig.receive(sent), at: to };
    const goesOn = (hop.action === "host" || hop.action === "reply") && hop.host !== 0;
    return goesOn ? [hop, ...this.carry(hop.host, hop.frame)] : [hop];
  }

  /** A guest sends; everything that follows happens, questions first, as the kernel's backlog has it. */
  send(host: number, from: Guest, sent: Uint8Array): { verdict: Verdict; asked: Hop[][]; way: Hop[] } {
    const verdict = this.at(host).send(from.slot, sent);
    const asked = verdict.asked.map((q) => this.carry(q.host, q.frame));
    const way = verdict.action === "host" ? this.carry(verdict.host, verdict.frame) : [];
    return { verdict, asked, way };
  }

  learned(host: number, g: Pick<Guest, "address">) {
    return this.at(host).maps.learned.get({ vpc: VPC, address: g.address });
  }

  count(host: number, what: keyof typeof Learn): number {
    return this.at(host).maps.learning.get(Learn[what])!.packets;
  }
}

export const datagram = (from: Guest, dst: string, more: Partial<packet.Ipv4> = {}): Uint8Array =>
  frame(
    eth({ src: from.mac, dst: GATEWAY_MAC }),
    ipv4({ src: from.address, dst, id: 7, ...more }),
    udp({ sport: 4000, dport: 5000 }),
    "one hop",
  );

/** A message on the wire from host to host. */
export const message = (from: number, to: number, payload: Uint8Array, more: Partial<packet.Ipv4> = {}): Uint8Array =>
  frame(
    eth({}),
    ipv4({ src: tunnel(from), dst: tunnel(to), df: true, ...more }),
    udp({ sport: packet.LEARNING_PORT, dport: packet.LEARNING_PORT, checksum: 0 }),
    payload,
  );

export { messageIn };
