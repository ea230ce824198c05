import { GATEWAY_MAC } from "@onehop/core";
import { type Guest, run } from "@onehop/lab";
import { ping } from "@onehop/lab/traffic/ping";
import { PEER_TUNNEL, PlainPeer } from "@onehop/testkit/netns/plain_peer";
import { Scene, tunnelOf } from "@onehop/testkit/netns/scene";
import { echoServer, roundTrips, transfer } from "@onehop/testkit/netns/talk";
import { type Encapsulated, layer, listen } from "@onehop/testkit/netns/wire";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const MACHINE = { address: "10.0.1.77", mac: "0a:00:00:00:01:77" };

let scene: Scene;
let peer: PlainPeer;
let near: Guest;
let vni: number;

beforeAll(async () => {
  scene = await Scene.up({ hosts: 2 });
  await scene.lab.client.create("hosts", { name: "peer", kind: "vxlan-peer", tunnel_address: PEER_TUNNEL });
  await scene.apply({
    vpcs: { v: ["10.0.0.0/16"] },
    networks: { "v/front": "10.0.1.0/24", "v/back": "10.0.2.0/24" },
    ports: {
      machine: { in: "v/front", ...MACHINE, host: "peer", peer: true },
      near: { in: "v/front", address: "10.0.1.11", host: "h1" },
      far: { in: "v/front", address: "10.0.1.12", host: "h2" },
      back: { in: "v/back", address: "10.0.2.11", host: "h1" },
    },
  });
  near = scene.guest("v-near");
  vni = near.network_vni;
  peer = await PlainPeer.build(scene.lab, {
    vni,
    mac: MACHINE.mac,
    address: `${MACHINE.address}/24`,
    gateway: "10.0.1.1",
  });
});
afterAll(() => scene?.close());

/** What a plain peer understands, both ways: the network's VNI and nothing reserved set. */
function expectPlain(packets: readonly Encapsulated[]): void {
  expect(packets.length).toBeGreaterThan(0);
  const odd = packets.filter(({ vxlan: v }) => v.vni !== vni || v.flags !== 8 || v.reserved !== 0 || v.reserved2 !== 0);
  expect(odd).toEqual([]);
}
const between = (packets: readonly Encapsulated[], from: string, to: string) =>
  packets.filter(({ outer }) => outer.src === from && outer.dst === to);
const isArp = (e: Encapsulated): boolean => e.inner[1]?.kind === "arp";

describe("a declared plain VXLAN peer: a Linux bridge with a VXLAN device", () => {
  test("asks for a port's MAC by ARP to every host, is answered by that port's host alone, and learns where it is", async () => {
    const { encapsulated } = await listen(scene.lab, async () => {
      const echoes = await ping({ namespace: peer.guest, to: near.addresses[0]!, count: 5 });
      expect(echoes).toMatchObject({ sent: 5, received: 5, ttls: [64] });
    });
    expectPlain(encapsulated);
    const [h1, h2] = [tunnelOf(scene.lab, "h1"), tunnelOf(scene.lab, "h2")];
    expect(between(encapsulated, PEER_TUNNEL, h1).filter(isArp)).toHaveLength(1);
    expect(between(encapsulated, PEER_TUNNEL, h2).filter(isArp)).toHaveLength(1);
    const [answer, ...more] = between(encapsulated, h1, PEER_TUNNEL).filter(isArp);
    expect(layer(answer!.inner, "arp")).toMatchObject({
      op: 2,
      sender_mac: near.mac,
      sender_ip: near.addresses[0],
      target_mac: MACHINE.mac,
      target_ip: MACHINE.address,
    });
    expect(more).toEqual([]);
    expect(between(encapsulated, h2, PEER_TUNNEL)).toEqual([]);
    expect(await peer.learned(near.mac)).toContain(h1);
    const neighbours = await run(["ip", "-n", peer.guest, "neigh", "show", near.addresses[0]!]);
    expect(neighbours).toContain(near.mac);
  });

  test.each(["near", "far"])("exchanges ping, UDP and TCP with a port of its network: %s", async (name) => {
    const guest = scene.guest(`v-${name}`);
    const [address] = guest.addresses as [string];
    await scene.keep(echoServer({ namespace: guest.namespace, address }));
    const { encapsulated } = await listen(scene.lab, async () => {
      expect((await ping({ namespace: guest.namespace, to: MACHINE.address, count: 5 })).ttls).toEqual([64]);
      for (const kind of ["udp", "tcp"] as const) expect(await roundTrips(kind, peer.guest, address)).toBe(20);
      for (const [from, to] of [
        [guest.namespace, { namespace: peer.guest, address: MACHINE.address }],
        [peer.guest, { namespace: guest.namespace, address }],
      ] as const) {
        const { sent, got } = await transfer(from, to, 2e6);
        expect(got).toEqual(sent);
      }
    });
    expectPlain(encapsulated);
  });

  test("Q23: gets a routed packet from another network in one hop, with its own MAC and the gateway's", async () => {
    const back = scene.guest("v-back");
    // It has one place for the gateway's MAC, while every host of ours would do: named as its operator would.
    await peer.fdb("replace", GATEWAY_MAC, tunnelOf(scene.lab, "h1"));
    const { encapsulated } = await listen(scene.lab, async () => {
      const echoes = await ping({ namespace: back.namespace, to: MACHINE.address, count: 5 });
      expect(echoes).toMatchObject({ sent: 5, received: 5, ttls: [63] });
    });
    expectPlain(encapsulated);
    const requests = between(encapsulated, tunnelOf(scene.lab, "h1"), PEER_TUNNEL).filter((e) => !isArp(e));
    expect(requests).toHaveLength(5);
    for (const { inner } of requests) {
      expect(layer(inner, "eth")).toMatchObject({ src: GATEWAY_MAC, dst: MACHINE.mac });
      expect(layer(inner, "ipv4")).toMatchObject({ src: back.addresses[0], dst: MACHINE.address, ttl: 63 });
    }
  });

  test("is told the gateway's MAC by any host", async () => {
    await run(["ip", "-n", peer.guest, "neigh", "flush", "dev", "eth0"]);
    const { encapsulated } = await listen(scene.lab, () => ping({ namespace: peer.guest, to: "10.0.1.1", count: 1 }));
    expectPlain(encapsulated);
    const answers = encapsulated.filter((e) => isArp(e) && e.outer.dst === PEER_TUNNEL);
    expect(answers.map((e) => e.outer.src).sort()).toEqual(scene.lab.hosts.map((h) => h.tunnelAddress));
    const neighbours = await run(["ip", "-n", peer.guest, "neigh", "show", "10.0.1.1"]);
    expect(neighbours).toContain(GATEWAY_MAC);
  });
});
