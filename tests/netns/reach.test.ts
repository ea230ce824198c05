import { GATEWAY_MAC, routerMac } from "@onehop/core";
import type { Guest } from "@onehop/lab";
import { proveIsolation } from "@onehop/lab/demo/isolation";
import { ping } from "@onehop/lab/traffic/ping";
import type { PortSpec } from "@onehop/testkit/netns/documents";
import { carries, note, routed, station } from "@onehop/testkit/netns/frames";
import type { Nic } from "@onehop/testkit/netns/nic";
import { Scene, tunnelOf } from "@onehop/testkit/netns/scene";
import { echoServer, roundTrips, transfer } from "@onehop/testkit/netns/talk";
import { type Encapsulated, type Heard, layer, listen, onWire } from "@onehop/testkit/netns/wire";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

/** Two tenants whose guests have the same MACs and addresses on the same hosts, and one with ranges of others. */
const TWINS = ["red", "blue"] as const;
/** `a…` speak with their own kernels, `r…` with the test's hands. */
const PORTS: Record<string, [network: string, host: string, octet: number]> = {
  a1: ["front", "h1", 11],
  a2: ["front", "h1", 12],
  a3: ["front", "h2", 13],
  b1: ["back", "h1", 11],
  b2: ["back", "h2", 12],
  r1: ["front", "h1", 21],
  r2: ["front", "h1", 22],
  r3: ["front", "h2", 23],
  s1: ["back", "h1", 21],
  s3: ["back", "h2", 23],
};
const third = (network: string): number => (network === "front" ? 1 : 2);

function twinPorts(vpc: string): Record<string, PortSpec> {
  const specs = Object.entries(PORTS).map(([name, [network, host, octet]]): [string, PortSpec] => {
    const address = `10.0.${third(network)}.${octet}`;
    return [
      `${vpc}.${name}`,
      { in: `${vpc}/${network}`, address, host, mac: `0a:00:00:00:0${third(network)}:${octet}` },
    ];
  });
  return Object.fromEntries(specs);
}

/** The underlay's own ranges are among them: links are in 198.18.0.0/15, tunnel addresses in 192.0.2.0/24. */
const ODD: Record<string, PortSpec> = {
  "odd.p1": { in: "odd/public", address: "8.8.8.8", host: "h1" },
  "odd.p2": { in: "odd/public", address: "8.8.4.4", host: "h2" },
  "odd.l1": { in: "odd/links", address: "198.18.2.1", host: "h1" },
  "odd.l2": { in: "odd/links", address: "198.18.1.1", host: "h2" },
  "odd.t1": { in: "odd/tunnels", address: "192.0.2.2", host: "h1" },
  "odd.t2": { in: "odd/tunnels", address: "192.0.2.3", host: "h2" },
};

let scene: Scene;
const nics = new Map<string, Nic>();
const nic = (name: string): Nic => nics.get(name)!;
/** All that was encapsulated while this file listened. */
const everything: Encapsulated[] = [];

beforeAll(async () => {
  scene = await Scene.of(
    { hosts: 2 },
    {
      vpcs: { red: ["10.0.0.0/16"], blue: ["10.0.0.0/16"], odd: ["8.8.0.0/16", "198.18.0.0/15", "192.0.2.0/24"] },
      networks: {
        ...Object.fromEntries(
          TWINS.flatMap((v) => [
            [`${v}/front`, "10.0.1.0/24"],
            [`${v}/back`, "10.0.2.0/24"],
          ]),
        ),
        "odd/public": "8.8.0.0/20",
        "odd/links": "198.18.0.0/16",
        "odd/tunnels": "192.0.2.0/24",
      },
      ports: { ...twinPorts("red"), ...twinPorts("blue"), ...ODD },
    },
  );
  for (const vpc of TWINS)
    for (const name of Object.keys(PORTS).filter((n) => /^[rs]/.test(n)))
      nics.set(`${vpc}-${name}`, await scene.nic(`${vpc}-${name}`));
});
afterAll(() => scene?.close());

async function hear(traffic: () => Promise<unknown>): Promise<Heard> {
  const heard = await listen(scene.lab, traffic);
  everything.push(...heard.encapsulated);
  return heard;
}

/** What no test wanted to be heard: nothing. */
async function silence(): Promise<void> {
  for (const [name, each] of nics) expect(await each.rest(), name).toEqual([]);
}

const hostsOf = (from: Guest, to: Guest) => ({
  from: tunnelOf(scene.lab, from.host),
  to: tunnelOf(scene.lab, to.host),
});
const number = (host: string): number => Number(host.slice(1));

const CASES = [
  ["Q2 Q21: same-net/same-host", { to: "r2", isRouted: false, crosses: false }],
  ["Q2 Q21 Q28: routed/same-host", { to: "s1", isRouted: true, crosses: false }],
  ["Q2 Q23: same-net/cross-host", { to: "r3", isRouted: false, crosses: true }],
  ["Q2 Q23: routed/cross-host", { to: "s3", isRouted: true, crosses: true }],
] as const;

describe("one frame sent is one frame received, byte for byte, and the twins of the other VPC hear nothing", () => {
  test.each(CASES)("%s", async (_, c) => {
    const [from, to] = [scene.guest("red-r1"), scene.guest(`red-${c.to}`)];
    const sent = note(station(from), station(to), `case ${c.to}`, { routed: c.isRouted });
    const received = c.isRouted ? routed(sent, { src: GATEWAY_MAC, dst: to.mac }) : sent;
    const heard = await hear(async () => {
      nic("red-r1").send(sent);
      expect(await nic(`red-${c.to}`).until("the frame", carries("case"))).toEqual([received]);
    });
    const macs = { src: routerMac(number(from.host)), dst: routerMac(number(to.host)) };
    const inner = c.isRouted ? routed(sent, macs) : sent;
    const vni = c.isRouted ? from.vpc_vni : from.network_vni;
    expect(heard.encapsulated).toHaveLength(c.crosses ? 1 : 0);
    for (const e of heard.encapsulated) expect(onWire(hostsOf(from, to), vni, inner)(e)).toEqual([]);
    expect(heard.strange).toEqual([]);
    await silence();
  });
});

describe("ping, UDP and TCP between guests' own kernels", () => {
  test.each([
    ["Q21: same-net/same-host", "a2", 0, 64],
    ["Q21 Q28: routed/same-host", "b1", 0, 63],
    ["Q23: same-net/cross-host", "a3", 1, 64],
    ["Q23: routed/cross-host", "b2", 1, 63],
  ] as const)("%s", async (_, name, hops, ttl) => {
    const [from, to] = [scene.guest("red-a1"), scene.guest(`red-${name}`)];
    const [address] = to.addresses as [string];
    const server = await scene.keep(echoServer({ namespace: to.namespace, address }));
    const heard = await hear(async () => {
      const echoes = await ping({ namespace: from.namespace, to: address, count: 10 });
      expect(echoes).toMatchObject({ sent: 10, received: 10, ttls: [ttl] });
      expect(await roundTrips("udp", from.namespace, address, 10)).toBe(10);
      expect(await roundTrips("tcp", from.namespace, address, 10)).toBe(10);
    });
    expect(await roundTrips("segments", from.namespace, address, 30)).toBe(30);
    expect(heard.strange).toEqual([]);
    const protocol = (kind: "icmp" | "udp" | "tcp") => heard.encapsulated.filter((e) => e.inner[2]?.kind === kind);
    expect(protocol("icmp")).toHaveLength(20 * hops);
    expect(protocol("udp")).toHaveLength(20 * hops);
    expect(protocol("tcp").length > 0).toBe(hops === 1);
    const [there, back] = [hostsOf(from, to), hostsOf(to, from)];
    for (const { outer, vxlan, inner } of heard.encapsulated) {
      const ip = layer(inner, "ipv4");
      const way = ip.src === from.addresses[0] ? there : back;
      expect([outer.src, outer.dst]).toEqual([way.from, way.to]);
      expect([ip.src, ip.dst].sort()).toEqual([from.addresses[0], address].sort());
      expect([vxlan.vni, ip.ttl]).toEqual(ttl === 63 ? [from.vpc_vni, 63] : [from.network_vni, 64]);
    }
    await server.stop();
    await silence();
  });

  test("Q2: every guest of both twins calls every address, and no packet is cross-delivered or lost", async () => {
    const guests = (await scene.lab.guests()).filter((g) => /^(red|blue)-[ab]/.test(g.name));
    expect(guests).toHaveLength(10);
    const { crossed, lost, sent } = await proveIsolation(guests, scene.lab.fabric);
    expect({ crossed, lost, sent }).toEqual({ crossed: 0, lost: 0, sent: 2 * 2 * 5 * 4 });
  });

  test("Q1: networks of 8.8.0.0/16 and of the underlay's own ranges reach each other with no other object", async () => {
    const guests = (await scene.lab.guests()).filter((g) => g.vpc === "odd");
    expect(guests).toHaveLength(6);
    expect(await scene.lab.client.list("routes")).toEqual([]);
    const pairs = guests.flatMap((from) => guests.filter((to) => to !== from).map((to) => ({ from, to })));
    for (const { from, to } of pairs) {
      const { received } = await ping({ namespace: from.namespace, to: to.addresses[0]!, count: 2 });
      expect(received, `${from.name} to ${to.name}`).toBe(2);
    }
    const [from, to] = [scene.guest("odd-p1"), scene.guest("odd-t2")];
    const server = await scene.keep(echoServer({ namespace: to.namespace, address: to.addresses[0]! }));
    for (const kind of ["udp", "tcp"] as const)
      expect(await roundTrips(kind, from.namespace, to.addresses[0]!)).toBe(20);
    await server.stop();
    // Meanwhile the addresses are still the hosts' own on the underlay.
    const [h1, h2] = scene.lab.hosts;
    for (const to of [h2!.tunnelAddress, h2!.uplinks[0]!.address])
      expect((await ping({ namespace: h1!.namespace, to, count: 2 })).received).toBe(2);
  });

  test("super-packets cross the wire whole: a stream's frames are longer than any MTU", async () => {
    const [from, to] = [scene.guest("red-a1"), scene.guest("red-a3")];
    const heard = await hear(async () => {
      const listener = { namespace: to.namespace, address: to.addresses[0]! };
      const { sent, got } = await transfer(from.namespace, listener, 20e6);
      expect(got).toEqual(sent);
      expect(got.bytes).toBe(20e6);
    });
    const lengths = heard.encapsulated.map((e) => e.outer.length);
    expect(Math.max(...lengths)).toBeGreaterThan(20_000);
    // Most of the stream went so, not just a lucky frame.
    expect(
      heard.encapsulated.filter((e) => e.inner[1]?.kind === "ipv4" && e.outer.length > 1550).length,
    ).toBeGreaterThan(100);
  });
});
