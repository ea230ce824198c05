/** Two hosts and a plain peer, filled by hand: what every scenario of the programs stands on. */
import { GATEWAY_MAC, packet } from "@onehop/core";
import { Device, HostKind, HostRig, Learns, lpmPrefix, Place, RouteKind, VniKind } from "../src/index.ts";

const { frame, eth, ipv4, udp } = packet;

export const GATEWAY = GATEWAY_MAC;
export const BROADCAST = "ff:ff:ff:ff:ff:ff";
/** Largest IPv4 packet that leaves a host of this world. */
export const MTU = 1450;
export const TUNNEL = { 1: "192.0.2.1", 2: "192.0.2.2", 3: "192.0.2.3" } as const;
export type HostNumber = keyof typeof TUNNEL;

export const NET = { front: 5001, back: 5002, twin: 6001 } as const;
export const VPC = { front: 5000, back: 5000, twin: 6000 } as const;
export type NetName = keyof typeof NET;
const GATEWAYS = { front: "10.0.1.1", back: "10.0.2.1", twin: "10.0.1.1" } as const;

export interface Guest {
  readonly host: HostNumber;
  readonly slot: number;
  readonly net: NetName;
  readonly mac: string;
  readonly ips: readonly [string, ...string[]];
  readonly device?: Device;
  /** Further source ranges: address and prefix length. */
  readonly allowed?: readonly [string, number];
}

/** By role; `twin` has web's very addresses in another VPC. */
export const GUESTS = {
  web: { host: 1, slot: 1, net: "front", mac: "0a:00:00:00:00:01", ips: ["10.0.1.11", "10.0.1.12"] },
  near: { host: 1, slot: 2, net: "front", mac: "0a:00:00:00:00:02", ips: ["10.0.1.13"] },
  cache: { host: 1, slot: 3, net: "back", mac: "0a:00:00:00:00:03", ips: ["10.0.2.13"], allowed: ["172.16.0.0", 12] },
  gone: { host: 1, slot: 4, net: "front", mac: "0a:00:00:00:00:04", ips: ["10.0.1.14"], device: Device.NONE },
  twin: { host: 1, slot: 5, net: "twin", mac: "0a:00:00:00:00:01", ips: ["10.0.1.11"] },
  far: { host: 2, slot: 1, net: "front", mac: "0a:00:00:00:00:21", ips: ["10.0.1.21"] },
  db: { host: 2, slot: 2, net: "back", mac: "0a:00:00:00:00:22", ips: ["10.0.2.22"] },
  vm: { host: 2, slot: 3, net: "front", mac: "0a:00:00:00:00:23", ips: ["10.0.1.23"], device: Device.TAP },
  plain: { host: 3, slot: 1, net: "front", mac: "0a:00:00:00:00:31", ips: ["10.0.1.31"] },
} as const satisfies Record<string, Guest>;
export type GuestName = keyof typeof GUESTS;
export const guest = (name: GuestName): Guest => GUESTS[name];
export const mac = (name: GuestName): string => GUESTS[name].mac;
export const ip = (name: GuestName): string => GUESTS[name].ips[0];

/** Its device's number: no device is needed, since a test run redirects nothing. */
const ifindex = (g: Guest): number => 100 + g.slot;
const UPLINK = 50;

export interface World {
  readonly 1: HostRig;
  readonly 2: HostRig;
  close(): void;
}

/** Hosts are made when they are first used. */
export function makeWorld(): World {
  const made = new Map<1 | 2, HostRig>();
  const host = (number: 1 | 2): HostRig => {
    const rig = made.get(number) ?? rigOf(number);
    made.set(number, rig);
    return rig;
  };
  return {
    get 1() {
      return host(1);
    },
    get 2() {
      return host(2);
    },
    close: () => {
      for (const rig of made.values()) rig.close();
    },
  };
}

function rigOf(number: 1 | 2): HostRig {
  const rig = new HostRig({ config: { tunnel_address: TUNNEL[number], host: number } });
  fillHosts(rig, number);
  fillNetworks(rig);
  fillOrphans(rig);
  for (const g of Object.values<Guest>(GUESTS)) fillGuest(rig, number, g);
  return rig;
}

function fillHosts({ maps }: HostRig, self: HostNumber): void {
  for (const other of [1, 2, 3] as const) {
    if (other === self) continue;
    const kind = other === 3 ? HostKind.PEER : HostKind.ONEHOP;
    maps.tunnels.set({ address: TUNNEL[other] }, { host: other, kind });
    maps.hosts.set(other, { tunnel_address: TUNNEL[other], uplink: UPLINK, next_hop: "198.51.100.1", kind });
  }
}

function fillNetworks({ maps }: HostRig): void {
  const none = { gateway: "0.0.0.0", gateway_mac: "00:00:00:00:00:00" };
  for (const net of ["front", "back", "twin"] as const) {
    const [vpc, network, gateway] = [VPC[net], NET[net], GATEWAYS[net]];
    maps.vnis.set({ vni: vpc }, { vpc, kind: VniKind.VPC, ...none });
    maps.vnis.set({ vni: network }, { vpc, kind: VniKind.NETWORK, gateway, gateway_mac: GATEWAY });
    maps.destinations.set({ vpc, address: gateway }, { network, where: 0, mac: GATEWAY, place: Place.GATEWAY });
    maps.routes.set(lpmKey(vpc, "10.0.0.0", 16), { kind: RouteKind.RANGE, next_hop: "0.0.0.0" });
  }
  const via = (address: string, length: number, next_hop: string) =>
    maps.routes.set(lpmKey(VPC.front, address, length), { kind: RouteKind.VIA, next_hop });
  via("172.16.0.0", 12, ip("cache"));
  via("203.0.113.0", 24, ip("db"));
  via("198.18.0.0", 15, "10.0.2.200");
}

const lpmKey = (vpc: number, address: string, length: number) => ({ prefix: lpmPrefix(length), vpc, address });

/** An address whose host is on no list any more. */
export const LOST = { ip: "10.0.1.32", mac: "0a:00:00:00:00:32" } as const;
/** A host whose uplink is gone. */
export const CUT = { ip: "10.0.1.33", mac: "0a:00:00:00:00:33" } as const;

function fillOrphans({ maps }: HostRig): void {
  const [vpc, network] = [VPC.front, NET.front];
  for (const [orphan, where] of [
    [LOST, 8],
    [CUT, 9],
  ] as const) {
    maps.destinations.set({ vpc, address: orphan.ip }, { network, where, mac: orphan.mac, place: Place.REMOTE });
    maps.macs.set({ network, mac: orphan.mac }, { where, place: Place.REMOTE });
  }
  maps.hosts.set(9, { tunnel_address: "192.0.2.9", uplink: 0, next_hop: "0.0.0.0", kind: HostKind.ONEHOP });
}

function fillGuest({ maps }: HostRig, self: HostNumber, g: Guest): void {
  const [vpc, network] = [VPC[g.net], NET[g.net]];
  const place = g.host === self ? Place.LOCAL : g.host === 3 ? Place.PEER : Place.REMOTE;
  const where = g.host === self ? g.slot : g.host;
  for (const address of g.ips) maps.destinations.set({ vpc, address }, { network, where, mac: g.mac, place });
  maps.macs.set({ network, mac: g.mac }, { where, place });
  if (g.host !== self) return;
  maps.endpoints.set(g.slot, {
    port: `00000000-0000-4000-8000-${String(g.slot).padStart(12, "0")}`,
    generation: 1,
    vpc,
    network,
    ifindex: ifindex(g),
    mtu: MTU,
    address: g.ips[0],
    gateway: GATEWAYS[g.net],
    mac: g.mac,
    gateway_mac: GATEWAY,
    device: g.device ?? Device.VETH,
    has_allowed: g.allowed ? 1 : 0,
    learns: Learns.NO,
    near: 0,
  });
  if (!g.allowed) return;
  const [address, length] = g.allowed;
  maps.allowed.set({ prefix: lpmPrefix(length), slot: g.slot, address }, { yes: 1 });
}

/** A datagram as its sender makes it: to the receiver's MAC within a network, to the gateway's otherwise. */
export function datagram(from: GuestName, to: GuestName, more: Partial<packet.Ipv4> = {}): Uint8Array {
  const dst = GUESTS[from].net === GUESTS[to].net ? mac(to) : GATEWAY;
  return frame(
    eth({ src: mac(from), dst }),
    ipv4({ src: ip(from), dst: ip(to), id: 7, ...more }),
    udp({ sport: 4000, dport: 5000 }),
    "one hop",
  );
}

/** The same to an address, by way of the gateway. */
export const routedTo = (from: GuestName, dst: string, more: Partial<packet.Ipv4> = {}): Uint8Array =>
  frame(
    eth({ src: mac(from), dst: GATEWAY }),
    ipv4({ src: ip(from), dst, id: 7, ...more }),
    udp({ sport: 4000, dport: 5000 }),
    "one hop",
  );
