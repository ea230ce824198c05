import { GATEWAY_MAC, packet } from "@onehop/core";
import { type Guest, run } from "@onehop/lab";
import { ping } from "@onehop/lab/traffic/ping";
import { carries, gatewayOf, isAt, note, type Station, station, whoHas } from "@onehop/testkit/netns/frames";
import { Nic } from "@onehop/testkit/netns/nic";
import { Scene, tunnelOf } from "@onehop/testkit/netns/scene";
import { echoServer, manyFlows, roundTrips } from "@onehop/testkit/netns/talk";
import { queueLoads } from "@onehop/testkit/netns/toeplitz";
import { type Encapsulated, type Heard, listen, readFrame } from "@onehop/testkit/netns/wire";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const NETWORKS = { "v/front": "10.0.1.0/24", "v/back": "10.0.2.0/24" };
const VPCS = { v: ["10.0.0.0/16"] };

const PATIENT = { timeout: 10_000 };

let scene: Scene;
let [r1, r3]: [Guest, Guest] = [] as never;
let [n1, n3]: [Nic, Nic] = [] as never;
/** All that was encapsulated while this file listened. */
const everything: Encapsulated[] = [];

beforeAll(async () => {
  scene = await Scene.of(
    { hosts: 3 },
    {
      vpcs: VPCS,
      networks: NETWORKS,
      ports: {
        a1: { in: "v/front", address: "10.0.1.11", host: "h1" },
        a3: { in: "v/front", address: "10.0.1.13", host: "h2" },
        b3: { in: "v/back", address: "10.0.2.13", host: "h2" },
        r1: { in: "v/front", address: "10.0.1.21", host: "h1" },
        r3: { in: "v/front", address: "10.0.1.23", host: "h2" },
      },
    },
  );
  [r1, r3] = [scene.guest("v-r1"), scene.guest("v-r3")];
  [n1, n3] = [await scene.nic("v-r1"), await scene.nic("v-r3")];
});
afterAll(() => scene?.close());

async function hear(traffic: () => Promise<unknown>): Promise<Heard> {
  const heard = await listen(scene.lab, traffic);
  everything.push(...heard.encapsulated);
  expect(heard.strange).toEqual([]);
  return heard;
}

/** A last frame from one to the other: all that came before it came for a reason, or must not have come. */
async function lastOf(text: string): Promise<Uint8Array[]> {
  n1.send(note(station(r1), station(r3), text));
  return n3.until("the last frame", carries(text));
}

describe("ARP", () => {
  test("Q15: a request for a port of another host is answered on the asker's host, and nothing of it is on the wire", async () => {
    const heard = await hear(async () => {
      n1.send(whoHas(station(r1), "10.0.1.23"));
      expect(await n1.until("the answer", (l) => l[1]?.kind === "arp")).toEqual([isAt(station(r1), station(r3))]);
      expect(await lastOf("after ARP")).toHaveLength(1);
    });
    expect(heard.encapsulated.map((e) => e.inner.map((l) => l.kind).slice(0, 3))).toEqual([["eth", "ipv4", "icmp"]]);
  });

  test("Q22: the gateway of a network has the same MAC and address on every host", async () => {
    for (const [nic, guest] of [
      [n1, r1],
      [n3, r3],
    ] as const) {
      nic.send(whoHas(station(guest), guest.gateway));
      const answer = isAt(station(guest), { mac: GATEWAY_MAC, address: "10.0.1.1" });
      expect(await nic.until("the gateway's answer", (l) => l[1]?.kind === "arp")).toEqual([answer]);
    }
  });
});

/** Frames to everybody, to groups, and of protocols that only work so. */
function floods(from: Station): Uint8Array[] {
  const to = (dst: string, address: string) =>
    packet.frame(
      packet.eth({ src: from.mac, dst }),
      packet.ipv4({ src: from.address, dst: address, ttl: 8 }),
      packet.udp({ sport: 5353, dport: 5353 }),
      "flood",
    );
  const all = "ff:ff:ff:ff:ff:ff";
  const neighbourSolicitation = packet.eth({ src: from.mac, dst: "33:33:ff:00:00:01", type: 0x86dd });
  return [
    to(all, "255.255.255.255"),
    to(all, "10.0.1.255"),
    to("01:00:5e:00:00:fb", "224.0.0.251"),
    to("01:00:5e:00:00:05", "224.0.0.5"),
    to(GATEWAY_MAC, "224.0.0.5"),
    to(GATEWAY_MAC, "255.255.255.255"),
    whoHas(from, from.address),
    whoHas(from, "10.0.1.99"),
    whoHas(from, "10.0.1.23", { op: 2 }),
    packet.frame(neighbourSolicitation, "flood"),
    packet.frame(packet.eth({ src: from.mac, dst: "01:80:c2:00:00:00", type: 0x0027 }), "spanning tree"),
  ];
}

describe("the wire", () => {
  test("Q13 Q15: broadcast, multicast and unknown addresses from a guest put nothing on it", async () => {
    const groups = () => run(["ip", "-j", "-n", scene.lab.host("h1").namespace, "maddress", "show"]);
    const before = await groups();
    const heard = await hear(async () => {
      n1.send(...floods(station(r1)));
      expect(await lastOf("after the floods")).toHaveLength(1);
    });
    expect(heard.encapsulated).toHaveLength(1);
    expect(await n1.rest()).toEqual([]);
    expect(await n3.rest()).toEqual([]);
    expect(await groups()).toEqual(before);
    expect(scene.kernel("h1").counts(r1.port_id).drops).toMatchObject({ broadcast: 8, ethertype: 2 });
  });

  test("Q12: 10,000 flows have 5,000 outer source ports and more, which a card spreads evenly over eight queues", async () => {
    const [from, to] = [scene.guest("v-a1"), scene.guest("v-a3")];
    const ear = await scene.keep(Nic.open(scene.lab.fabric.namespace, scene.lab.host("h1").uplinks[0]!.routerDevice));
    await manyFlows(from.namespace, to.addresses[0]!, 10_000);
    n1.send(note(station(r1), station(r3), "after the flows"));
    const frames = await ear.until("the last frame", carries("after the flows"));
    const isFlow = (f: Uint8Array): boolean => packet.decode(f)[6]?.kind === "udp";
    const flows = frames.filter(isFlow).map(readFrame);
    everything.push(...flows);
    expect(flows).toHaveLength(10_000);
    const inner = new Set(flows.map(({ inner: [, , u] }) => (u?.kind === "udp" ? `${u.sport} ${u.dport}` : "")));
    expect(inner.size).toBe(10_000);
    expect(new Set(flows.map((e) => e.udp.sport)).size).toBeGreaterThanOrEqual(5000);
    const loads = queueLoads(
      flows.map(({ outer, udp }) => ({ src: outer.src, dst: outer.dst, sport: udp.sport, dport: udp.dport })),
      8,
    );
    expect(Math.max(...loads) / (10_000 / 8)).toBeLessThan(1.5);
    await ear.close();
    await n3.until("the last frame", carries("after the flows"));
  });

  test("Q12: a flow keeps its outer source port, each way", async () => {
    const [from, to] = [scene.guest("v-a1"), scene.guest("v-b3")];
    await scene.keep(echoServer({ namespace: to.namespace, address: to.addresses[0]! }));
    const { encapsulated } = await hear(() => roundTrips("udp", from.namespace, to.addresses[0]!, 200));
    const ports = (tunnel: string) => encapsulated.filter((e) => e.outer.src === tunnel).map((e) => e.udp.sport);
    for (const host of ["h1", "h2"]) {
      expect(ports(tunnelOf(scene.lab, host))).toHaveLength(200);
      expect(new Set(ports(tunnelOf(scene.lab, host))).size).toBe(1);
    }
  });

  test("Q13 Q15 Q22 Q23: all that this file heard went from host to host, once encapsulated, without ARP, groups or the gateway's MAC", () => {
    expect(everything.length).toBeGreaterThan(10_000);
    const tunnels = scene.lab.hosts.map((h) => h.tunnelAddress);
    const odd = everything.filter(({ outer, inner: [eth, ...inner], vxlan, sender }) => {
      const isGateways = eth?.kind !== "eth" || [eth.src, eth.dst, sender].includes(GATEWAY_MAC);
      const isNested = inner.some((l) => l.kind === "arp" || l.kind === "vxlan");
      const isBetweenHosts = tunnels.includes(outer.src) && tunnels.includes(outer.dst) && outer.src !== outer.dst;
      const isPlain = vxlan.flags === 8 && vxlan.reserved === 0 && vxlan.reserved2 === 0;
      return isGateways || isNested || !isBetweenHosts || !isPlain;
    });
    expect(odd).toEqual([]);
  });
});

interface Link {
  readonly ifname: string;
  readonly operstate: string;
}
/** Interfaces of a host, without the counters that move. */
const linksOf = async (host: string): Promise<Link[]> =>
  JSON.parse(await run(["ip", "-j", "-d", "-n", scene.lab.host(host).namespace, "link", "show"])) as Link[];

describe("a host more", () => {
  test("Q11: changes no interface of the others, which have no device for a peer", async () => {
    const { client } = scene.lab;
    const third = (await client.list("hosts", { name: "h3" }))[0]!;
    await client.delete("hosts", third.id);
    await expect.poll(() => scene.kernel("h1").sizes().tunnels, PATIENT).toBe(1);
    await expect.poll(() => scene.kernel("h2").sizes().tunnels, PATIENT).toBe(1);
    const before = [await linksOf("h1"), await linksOf("h2")];
    await client.create("hosts", { name: "h3", tunnel_address: third.tunnel_address });
    await scene.apply({
      vpcs: VPCS,
      networks: NETWORKS,
      ports: { n1: { in: "v/front", address: "10.0.1.31", host: "h3" } },
    });
    for (const name of ["v-a1", "v-a3", "v-b3"]) {
      const { received } = await ping({ namespace: scene.guest(name).namespace, to: "10.0.1.31", count: 3 });
      expect(received).toBe(3);
    }
    expect([await linksOf("h1"), await linksOf("h2")]).toEqual(before);
    const names = (links: Link[]) => links.map((l) => l.ifname.replace(/^oh[0-9a-f]{12}$/, "guest")).sort();
    expect(before.map(names)).toEqual([
      ["guest", "guest", "lo", "oh-room", "oh-vxlan", "up0"],
      ["guest", "guest", "guest", "lo", "oh-room", "oh-vxlan", "up0"],
    ]);
    expect(gatewayOf(scene.guest("v-n1"))).toEqual(gatewayOf(r1));
  });
});
