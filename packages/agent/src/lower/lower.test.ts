import {
  GATEWAY_MAC,
  HOST_NUMBER_MAX,
  type HostPlan,
  type NetworkSlice,
  type PortPlan,
  type Slice,
  type SliceId,
} from "@onehop/core";
import { Device, HostKind, LAYOUT, Place, RouteKind, VniKind } from "@onehop/datapath/maps.gen";
import { describe, expect, it } from "vitest";
import type { TableName } from "./entries.ts";
import type { Facts, LinkFact } from "./facts.ts";
import { lower } from "./lower.ts";

const port = (id: string, fields: Partial<PortPlan>): PortPlan => ({
  id,
  generation: 4,
  mac: "0a:00:00:00:00:01",
  addresses: ["10.0.1.5"],
  allowed_addresses: [],
  host: 1,
  device: { kind: "adopt", name: `tap-${id}` },
  ...fields,
});
const local = port("p1", {});
const remote = port("p2", { host: 2, mac: "0a:00:00:00:00:02", addresses: ["10.0.1.6", "10.0.1.7"] });
const atPeer = port("p3", { host: 9, mac: "0a:00:00:00:00:03", addresses: ["10.0.1.8"] });

const network = (ports: PortPlan[], fields: Partial<NetworkSlice> = {}): NetworkSlice => ({
  type: "network",
  network_id: "n",
  vpc_id: "v",
  vpc_vni: 5000,
  vni: 5001,
  cidr: "10.0.1.0/24",
  gateway: "10.0.1.1",
  gateway_mac: GATEWAY_MAC,
  ports,
  ...fields,
});

function planOf(...networks: NetworkSlice[]): HostPlan {
  const known = (number: number, kind: "onehop" | "vxlan-peer") => ({
    id: `h${number}`,
    name: `h${number}`,
    number,
    tunnel_address: `192.0.2.${number}`,
    kind,
  });
  const vpc: Slice = {
    type: "vpc",
    vpc_id: "v",
    vni: 5000,
    cidrs: ["10.0.0.0/16"],
    routes: [{ id: "r", destination: "172.16.0.0/12", next_hop: "10.0.1.6" }],
  };
  const ids: SliceId[] = ["hosts", "host/h1", "vpc/v", ...networks.map((n) => `network/${n.network_id}` as const)];
  const hosts: Slice = {
    type: "hosts",
    hosts: [known(1, "onehop"), known(2, "onehop"), known(9, "vxlan-peer")],
  };
  const own: Slice = { type: "host", host_id: "h1", number: 1, slices: ids };
  return new Map<SliceId, Slice>([
    ["hosts", hosts],
    ["host/h1", own],
    ["vpc/v", vpc],
    ...networks.map((n) => [`network/${n.network_id}`, n] as [SliceId, Slice]),
  ]);
}

const tap = (name: string, fields: Partial<LinkFact> = {}): LinkFact => ({
  ifindex: 7,
  name,
  kind: "tap",
  mtu: 1500,
  up: true,
  ...fields,
});
const facts = (fields: Partial<Facts> = {}): Facts => ({
  links: new Map([["tap-p1", tap("tap-p1")]]),
  uplinks: ["up0"],
  underlayMtu: 1600,
  nextHops: new Map([["192.0.2.2", { uplink: 3, next_hop: "192.0.2.254" }]]),
  slots: new Map([["p1", 0]]),
  limits: { arp: { rate: 200, burst: 400 } },
  ...fields,
});

const lowered = (plan: HostPlan, given = facts()) => lower(plan, given)!;
const rows = (plan: HostPlan, table: TableName, given = facts()) => [
  ...lowered(plan, given).entries[table].rows.values(),
];
const value = (plan: HostPlan, table: TableName, text: string) => lowered(plan).entries[table].rows.get(text)?.[1];
const plan = planOf(network([local, remote, atPeer]));

describe("lowering", () => {
  it("puts each address of the VPC where its port is", () => {
    const place = (address: string) => value(plan, "destinations", `5000 ${address}`);
    expect(place("10.0.1.1")).toEqual({ network: 5001, where: 0, mac: GATEWAY_MAC, place: Place.GATEWAY });
    expect(place("10.0.1.5")).toEqual({ network: 5001, where: 0, mac: local.mac, place: Place.LOCAL });
    expect(place("10.0.1.6")).toEqual({ network: 5001, where: 2, mac: remote.mac, place: Place.REMOTE });
    expect(place("10.0.1.7")).toEqual({ network: 5001, where: 2, mac: remote.mac, place: Place.REMOTE });
    expect(place("10.0.1.8")).toEqual({ network: 5001, where: 9, mac: atPeer.mac, place: Place.PEER });
    expect(rows(plan, "destinations")).toHaveLength(5);
  });

  it("lists the MACs of networks that have a port here, and of no others", () => {
    const other = network([port("p4", { host: 2 })], { network_id: "m", vni: 5002, gateway: "10.0.2.1" });
    expect(rows(planOf(network([local, remote]), other), "macs")).toEqual([
      [
        { network: 5001, mac: local.mac },
        { place: Place.LOCAL, where: 0 },
      ],
      [
        { network: 5001, mac: remote.mac },
        { place: Place.REMOTE, where: 2 },
      ],
    ]);
  });

  it("knows the other hosts and how to reach them, not this one", () => {
    expect(rows(plan, "hosts")).toEqual([
      [2, { tunnel_address: "192.0.2.2", uplink: 3, next_hop: "192.0.2.254", kind: HostKind.ONEHOP }],
      [9, { tunnel_address: "192.0.2.9", uplink: 0, next_hop: "0.0.0.0", kind: HostKind.PEER }],
    ]);
    expect(rows(plan, "tunnels").map(([key]) => key)).toEqual([{ address: "192.0.2.2" }, { address: "192.0.2.9" }]);
  });

  it("has room for every number that a host may have", () => {
    expect(LAYOUT.maps.hosts?.max_entries).toBe(HOST_NUMBER_MAX + 1);
    expect(LAYOUT.maps.tunnels?.max_entries).toBeGreaterThan(HOST_NUMBER_MAX);
  });

  it("says what each VNI means", () => {
    expect(value(plan, "vnis", "5000")).toMatchObject({ vpc: 5000, kind: VniKind.VPC });
    expect(value(plan, "vnis", "5001")).toEqual({
      vpc: 5000,
      kind: VniKind.NETWORK,
      gateway: "10.0.1.1",
      gateway_mac: GATEWAY_MAC,
    });
  });

  it("prefers a static route to one of the VPC's own ranges of the same prefix", () => {
    expect(value(plan, "routes", "5000 172.16.0.0/140")).toEqual({ next_hop: "10.0.1.6", kind: RouteKind.VIA });
    expect(value(plan, "routes", "5000 10.0.0.0/144")).toMatchObject({ kind: RouteKind.RANGE });
    const vpc = plan.get("vpc/v") as Extract<Slice, { type: "vpc" }>;
    const same = { ...vpc, routes: [{ id: "r", destination: "10.0.0.0/16", next_hop: "10.0.1.6" }] };
    expect(value(new Map(plan).set("vpc/v", same), "routes", "5000 10.0.0.0/144")).toMatchObject({
      kind: RouteKind.VIA,
    });
  });

  it("gives a port its device, and the MTU that is left when it is encapsulated", () => {
    expect(value(plan, "endpoints", "0")).toMatchObject({ port: "p1", device: Device.TAP, ifindex: 7, mtu: 1550 });
    expect(rows(plan, "links")).toEqual([[{ ifindex: 7 }, { slot: 0 }]]);
    const veth = facts({ links: new Map([["tap-p1", tap("tap-p1", { kind: "veth" })]]) });
    expect(rows(plan, "endpoints", veth)[0]?.[1]).toMatchObject({ device: Device.VETH });
  });

  it("keeps a port whose device is gone, so that packets to it say so, and names it", () => {
    const gone = facts({ links: new Map() });
    expect(lowered(plan, gone).problems).toEqual([{ port_id: "p1", reason: "Its device tap-p1 is not there." }]);
    expect(rows(plan, "endpoints", gone)[0]?.[1]).toMatchObject({ device: Device.NONE, ifindex: 0 });
    expect(rows(plan, "links", gone)).toEqual([]);
  });

  it.each([
    ["up0", "veth", "Its device up0 is an uplink of the host."],
    ["lo", "other", "Its device lo is neither a veth nor a tap."],
  ] as const)("leaves the host its own device %s", (name, kind, reason) => {
    const greedy = planOf(network([port("p1", { device: { kind: "adopt", name } })]));
    const given = facts({ links: new Map([[name, tap(name, { kind })]]) });
    expect(lowered(greedy, given).problems).toEqual([{ port_id: "p1", reason }]);
    expect(rows(greedy, "links", given)).toEqual([]);
  });

  it("gives a device that two ports name to the first, and degrades the other alone", () => {
    const second = port("p5", { mac: "0a:00:00:00:00:05", addresses: ["10.0.1.9"], device: local.device! });
    const both = facts({
      slots: new Map([
        ["p1", 0],
        ["p5", 1],
      ]),
    });
    expect(lowered(planOf(network([local, second])), both).problems).toEqual([
      { port_id: "p5", reason: "Its device tap-p1 belongs to port p1 already." },
    ]);
  });

  it("writes allowed ranges by slot", () => {
    const router = port("p1", { allowed_addresses: ["192.168.0.0/16"] });
    const routing = planOf(network([router]));
    expect(rows(routing, "allowed")).toEqual([[{ prefix: 144, slot: 0, address: "192.168.0.0" }, { yes: 1 }]]);
    expect(rows(routing, "endpoints")[0]?.[1]).toMatchObject({ has_allowed: 1 });
  });

  it("leaves out what a table has no room for, and degrades who misses it instead of the host", () => {
    const many = (count: number) =>
      Array.from({ length: count }, (_, n) => `100.${n >> 16}.${(n >> 8) & 255}.${n & 255}/32`);
    const second = port("p5", {
      mac: "0a:00:00:00:00:05",
      addresses: ["10.0.1.9"],
      device: { kind: "adopt", name: "tap-p5" },
    });
    const both = facts({
      links: new Map([
        ["tap-p1", tap("tap-p1")],
        ["tap-p5", tap("tap-p5", { ifindex: 8 })],
      ]),
      slots: new Map([
        ["p1", 0],
        ["p5", 1],
      ]),
    });
    const greedy = { ...second, allowed_addresses: many(20_000) };
    const first = { ...local, allowed_addresses: ["192.168.0.0/16"] };
    const { entries, problems } = lowered(planOf(network([first, greedy])), both);
    expect(entries.allowed.rows.size).toBe(16_384);
    expect(entries.destinations.rows.size).toBe(3);
    const reason = "The host's table allowed is full: it has room for 16384 entries.";
    expect(problems).toEqual([{ port_id: "p5", reason }]);
    const vpc = plan.get("vpc/v") as Extract<Slice, { type: "vpc" }>;
    const routes = many(70_000).map((destination) => ({ id: destination, destination, next_hop: "10.0.1.6" }));
    const routed = new Map(planOf(network([local, second]))).set("vpc/v", { ...vpc, routes });
    expect(lowered(routed, both).problems.map((p) => p.port_id)).toEqual(["p1", "p5"]);
  });

  it("concludes nothing from a plan that is not whole", () => {
    const partial = new Map(plan);
    partial.delete("network/n");
    expect(lower(partial, facts())).toBeUndefined();
  });
});
