/** What only hubs know: plain peers, gateways, further sources; and what they do about what they do not know. */
import { GATEWAY_MAC, packet, routerMac } from "@onehop/core";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { Device, HostKind, lpmPrefix, Place, RouteKind, VniKind } from "../../src/index.ts";
import { hubSourcePrefix } from "../../src/layout.ts";
import { A, B, datagram, type Hop, HUBS, LearningWorld, messageIn, NETWORK, tunnel, VPC } from "./world.ts";

const { frame, eth, arp, ipv4, udp, icmp, vxlan, diffFrames, decode, concat } = packet;

let w: LearningWorld;
/** A plain VXLAN peer, with a port in the network that host 1 does not serve. */
const PEER = 9;
const P = { address: "10.0.2.90", mac: "0a:00:00:00:00:90" } as const;
const ALL_HUBS = [3, 4, 5, 6] as const;

beforeAll(() => {
  w = new LearningWorld([1, 2, 3, 4, 5, 6]);
});
afterAll(() => w.close());
beforeEach(() => {
  w.reset();
  for (const hub of ALL_HUBS) {
    const { maps } = w.at(hub);
    maps.tunnels.set({ address: tunnel(PEER) }, { host: PEER, kind: HostKind.PEER });
    const reach = { tunnel_address: tunnel(PEER), uplink: 50, next_hop: "198.51.100.1", kind: HostKind.PEER };
    maps.hosts.set(PEER, reach);
    const network = { vpc: VPC, kind: VniKind.NETWORK, gateway: "10.0.2.1", gateway_mac: GATEWAY_MAC };
    maps.vnis.set({ vni: NETWORK.back }, network);
  }
  for (const hub of HUBS) {
    const at = { network: NETWORK.back, mac: P.mac, place: Place.PEER, where: PEER };
    w.at(hub).maps.destinations.set({ vpc: VPC, address: P.address }, at);
    const gateway = { network: NETWORK.back, mac: GATEWAY_MAC, place: Place.GATEWAY, where: 0 };
    w.at(hub).maps.destinations.set({ vpc: VPC, address: "10.0.2.1" }, gateway);
  }
});

const wire = (from: number, to: number, tunnelled: Partial<packet.Vxlan>, inner: Uint8Array): Uint8Array =>
  frame(
    eth({}),
    ipv4({ src: tunnel(from), dst: tunnel(to), df: true }),
    udp({ sport: 49152, dport: 4789 }),
    vxlan(tunnelled),
    inner,
  );
/** All but what the kernel and the flow's hash fill in: outer MACs and source port. */
function same(got: Uint8Array, want: Uint8Array): void {
  expect(
    diffFrames(concat([got.subarray(0, 14), want.subarray(14, 34), got.subarray(34, 36), want.subarray(36)]), got),
  ).toEqual([]);
}
const kinds = (hops: readonly Hop[]) => hops.map((h) => `${h.at} ${messageIn(h.frame)?.kind}`);
const ends = (hops: readonly Hop[]) => hops.map((h) => `${h.at} ${h.action} ${h.reason}`);

describe("a plain peer's port, of a network that the sender's host does not serve", () => {
  test("is reached by a hub, which sends the peer what a plain peer is sent", () => {
    const { verdict, asked, way } = w.send(1, A, datagram(A, P.address));
    const hub = verdict.host;
    expect(ends(way)).toEqual([`${hub} host none`]);
    expect(way[0]!.host).toBe(PEER);
    const inner = decode(way[0]!.frame).slice(4);
    expect(inner[0]).toMatchObject({ src: GATEWAY_MAC, dst: P.mac });
    expect(inner[1]).toMatchObject({ ttl: 63, src: A.address, dst: P.address });
    const payload = datagram(A, P.address, { ttl: 63 });
    payload.set(frame(eth({ src: GATEWAY_MAC, dst: P.mac })).subarray(0, 12));
    same(way[0]!.frame, wire(hub, PEER, { vni: NETWORK.back }, payload));
    // It stays on the hub: nobody says "mine", and nobody "unknown".
    expect(ends(asked[0]!)).toEqual([`${hub} drop message`]);
    expect(w.count(hub, "NOT_KNOWN")).toBe(1);
  });

  test("answers by the hub, which sends it straight on", () => {
    const hub = HUBS[0];
    const answer = (src: string) =>
      frame(
        eth({ src: P.mac, dst: GATEWAY_MAC }),
        ipv4({ src, dst: A.address, id: 7 }),
        udp({ sport: 1, dport: 2 }),
        "back",
      );
    const way = w.carry(hub, wire(PEER, hub, { vni: NETWORK.back }, answer(P.address)));
    expect(ends(way)).toEqual([`${hub} host none`, "1 guest none"]);
    const routed = frame(
      eth({ src: routerMac(hub), dst: routerMac(1) }),
      ipv4({ src: P.address, dst: A.address, id: 7, ttl: 63 }),
      udp({ sport: 1, dport: 2 }),
      "back",
    );
    same(way[0]!.frame, wire(hub, 1, { vni: VPC }, routed));
    expect(way[1]).toMatchObject({ slot: A.slot });
    // In another's name, or at a host that is no hub, it ends.
    expect(ends(w.carry(hub, wire(PEER, hub, { vni: NETWORK.back }, answer("10.0.2.91"))))).toEqual([
      `${hub} drop hub_source`,
    ]);
    w.rules(w.at(5), {});
    expect(ends(w.carry(5, wire(PEER, 5, { vni: NETWORK.back }, answer(P.address))))).toEqual(["5 drop not_here"]);
  });

  test("is no way out for a host that sends in another's name", () => {
    const first = w.at(1).send(A.slot, datagram(A, P.address));
    const forged = first.frame.slice();
    forged.set(routerMacBytes(2), 56);
    expect(ends(w.carry(first.host, forged))).toEqual([`${first.host} drop hub_source`]);
  });
});
const routerMacBytes = (host: number): Uint8Array => Uint8Array.of(2, 0, 0, 0, 0, host);

describe("the gateway of a network that the sender's host does not serve", () => {
  const echo = (src: string, dst: string, type: number, ip: Partial<packet.Ipv4>) =>
    frame(eth({ src, dst }), ipv4({ id: 7, ...ip }), icmp({ type, id: 1, seq: 1 }), "are you there");

  test("is answered for by the hub, straight to the sender's host", () => {
    const asked = echo(A.mac, GATEWAY_MAC, 8, { src: A.address, dst: "10.0.2.1" });
    const { verdict, way } = w.send(1, A, asked);
    const hub = verdict.host;
    expect(ends(way)).toEqual([`${hub} host none`, "1 guest none"]);
    const back = { src: "10.0.2.1", dst: A.address };
    same(way[0]!.frame, wire(hub, 1, { vni: VPC }, echo(routerMac(hub), routerMac(1), 0, back)));
    expect(diffFrames(echo(GATEWAY_MAC, A.mac, 0, back), way[1]!.frame)).toEqual([]);
  });

  test("is told nothing else, and the guest is not told that it is unreachable", () => {
    const { verdict, asked, way } = w.send(1, A, datagram(A, "10.0.2.1"));
    expect(ends(way)).toEqual([`${verdict.host} drop service`]);
    expect(ends(asked[0]!)).toEqual([`${verdict.host} drop message`]);
    expect(w.at(1).send(A.slot, datagram(A, "10.0.2.1"))).toMatchObject({ action: "host" });
  });
});

describe("sources beyond a port's own addresses", () => {
  const from = (src: string) => datagram({ ...A, address: src }, B.address);
  /** Host 1 lets its guest send it; the hubs do not know yet. */
  beforeEach(() => {
    const { maps } = w.at(1);
    maps.endpoints.set(A.slot, { ...maps.endpoints.get(A.slot)!, has_allowed: 1 });
    for (const [address, length] of [["172.16.0.0", 12] as const, ["10.0.2.40", 32] as const])
      maps.allowed.set({ prefix: lpmPrefix(length), slot: A.slot, address }, { yes: 1 });
  });
  const admit = (host: number, address: string, length: number): void => {
    for (const hub of HUBS)
      w.at(hub).maps.hub_sources.set({ prefix: hubSourcePrefix(length), vpc: VPC, host, address }, { yes: 1 });
  };
  const last = (src: string) =>
    ends(w.send(1, A, from(src)).way)
      .at(-1)!
      .slice(2);

  test("are carried by a hub where a port of the sending host may send from them", () => {
    expect(last("172.16.5.5")).toBe("drop hub_source");
    admit(1, "172.16.0.0", 12);
    expect(last("172.16.5.5")).toBe("guest none");
  });

  test("and only from that host: an address that several may send from is each one's", () => {
    admit(2, "10.0.2.40", 32);
    expect(last("10.0.2.40")).toBe("drop hub_source");
    admit(1, "10.0.2.40", 32);
    expect(last("10.0.2.40")).toBe("guest none");
  });
});

describe("a hub that does not know", () => {
  /** Four hubs, none of which knows the address and none of which is whole, but for those named. */
  function ignorant(...whole: number[]): void {
    for (const hub of [1, ...ALL_HUBS])
      w.rules(w.at(hub), {
        hubs: [...ALL_HUBS],
        ...(hub === 1 ? {} : { is_hub: 1 }),
        ...(whole.includes(hub) ? { fits: 1 } : {}),
      });
    for (const hub of ALL_HUBS) {
      w.at(hub).maps.destinations.set(
        { vpc: VPC, address: A.address },
        { network: NETWORK.front, mac: A.mac, place: Place.REMOTE, where: 1 },
      );
      w.at(hub).maps.destinations.delete({ vpc: VPC, address: B.address });
    }
  }
  const far = (i: number) => `10.0.2.${100 + i}`;

  test("tries another, chosen by weight among the rest, so that none carries it all; and that one tries no third", () => {
    ignorant();
    const pairs = new Set<string>();
    for (let i = 0; i < 60; i++) {
      const { way, asked } = w.send(1, A, datagram(A, far(i)));
      expect(way.map((h) => h.action)).toEqual(["host", "drop"]);
      expect(way[1]).toMatchObject({ reason: "unknown_destination" });
      expect(way[0]!.at).not.toBe(way[1]!.at);
      expect(asked[0]!.map((h) => h.at)).toEqual(way.map((h) => h.at));
      pairs.add(`${way[0]!.at} ${way[1]!.at}`);
    }
    expect(pairs.size).toBe(12);
    expect(ALL_HUBS.map((h) => w.count(h, "TOLD_UNKNOWN"))).toEqual([0, 0, 0, 0]);
  });

  test("is helped by one that does: the packet arrives, and the question is answered", () => {
    ignorant();
    const { way } = w.send(1, A, datagram(A, B.address));
    const [first, second] = way.map((h) => h.at);
    w.reset();
    ignorant();
    w.at(second!).maps.destinations.set(
      { vpc: VPC, address: B.address },
      { network: NETWORK.back, mac: B.mac, place: Place.REMOTE, where: 2 },
    );
    const helped = w.send(1, A, datagram(A, B.address));
    expect(ends(helped.way)).toEqual([`${first} host none`, `${second} host none`, "2 guest none"]);
    expect(helped.way.slice(0, 2).map((h) => h.frame[49])).toEqual([0x81, 0x82]);
    expect(kinds(helped.asked[0]!).slice(-2)).toEqual(["2 teach", "1 teach"]);
    expect(w.learned(1, B)).toMatchObject({ host: 2 });
  });

  test("never sends back: what its table puts at the sender is nowhere, or another hub knows better", () => {
    const { at, maps } = { at: HUBS[0], maps: w.at(HUBS[0]).maps };
    maps.destinations.set(
      { vpc: VPC, address: B.address },
      { network: NETWORK.back, mac: B.mac, place: Place.REMOTE, where: 1 },
    );
    const first = w.at(1).send(A.slot, datagram(A, B.address));
    const toThis = concat([first.frame.subarray(0, 30), Uint8Array.of(192, 0, 2, at), first.frame.subarray(34)]);
    toThis.set(packet.fromHex(checksumOf(toThis)), 24);
    toThis.set(routerMacBytes(at), 50);
    expect(ends(w.carry(at, toThis))).toEqual([`${at} drop unknown_destination`]);
    // Its former host passes on what this hub still thinks to be there.
    w.unbind(2, B);
    w.bind(5, B, 30);
    maps.destinations.set(
      { vpc: VPC, address: B.address },
      { network: NETWORK.back, mac: B.mac, place: Place.REMOTE, where: 2 },
    );
    for (const hub of HUBS) w.at(hub).maps.moved.set({ vpc: VPC, address: B.address }, { until: 2n ** 62n, former: 2 });
    const passed = toThis.slice();
    passed.set([192, 0, 2, 2], 26);
    passed[49] = 0x81;
    passed.set(packet.fromHex(checksumOf(passed)), 24);
    expect(ends(w.carry(at, passed))).toEqual([`${at} host none`, `${HUBS[1]} host none`, "5 guest none"]);
  });
});

/** Of the outer IPv4 header, as it should be. */
function checksumOf(f: Uint8Array): string {
  const header = f.slice(14, 34);
  header.fill(0, 10, 12);
  return packet.checksum(header).toString(16).padStart(4, "0");
}

describe("a route through a port", () => {
  const via = (host: number, next_hop: string): void =>
    void w
      .at(host)
      .maps.routes.set({ prefix: lpmPrefix(12), vpc: VPC, address: "172.16.0.0" }, { kind: RouteKind.VIA, next_hop });
  const everywhere = (next_hop: string): void => {
    for (const host of w.rigs.keys()) via(host, next_hop);
  };
  const routed = datagram(A, "172.16.5.5");
  afterAll(() => {
    for (const rig of w.rigs.values())
      rig.maps.routes.delete({ prefix: lpmPrefix(12), vpc: VPC, address: "172.16.0.0" });
  });

  test("is asked about by its next hop; the host that has it repeats the look-up and delivers to that guest", () => {
    everywhere(B.address);
    const { asked, way } = w.send(1, A, routed);
    expect(kinds(asked[0]!).slice(-2)).toEqual(["2 teach", "1 teach"]);
    expect(way.at(-1)).toMatchObject({ at: 2, action: "guest", slot: B.slot });
    expect(decode(way.at(-1)!.frame)[0]).toMatchObject({ dst: B.mac });
    expect([...w.at(1).maps.learned].map(([k]) => k.address)).toEqual([B.address]);
    expect(ends(w.send(1, A, routed).way)).toEqual(["2 guest none"]);
  });

  test("whose next hop nobody has is unknown, and the guest is told", () => {
    everywhere("10.0.2.200");
    const { asked, way } = w.send(1, A, routed);
    expect(way.at(-1)).toMatchObject({ reason: "unknown_destination" });
    expect(asked[0]!.at(-1)).toMatchObject({ at: 1, action: "learned", retval: 7 });
    const hop = { vpc: VPC, address: "10.0.2.200" };
    expect(w.at(1).maps.unknowns.get(hop)).toBeDefined();
    // Longer than its 20 ms, which may be over.
    w.at(1).maps.unknowns.set(hop, { until: 2n ** 62n });
    expect(w.at(1).send(A.slot, routed)).toMatchObject({ action: "reply", reason: "next_hop" });
  });

  test("whose next hop moved follows it: passed on by the former host, repaired by the next refresh", () => {
    everywhere(B.address);
    w.send(1, A, routed);
    w.unbind(2, B);
    w.bind(5, B, 30);
    for (const hub of HUBS) w.at(hub).maps.moved.set({ vpc: VPC, address: B.address }, { until: 2n ** 62n, former: 2 });
    const { way } = w.send(1, A, routed);
    expect(way.at(0)).toMatchObject({ at: 2, action: "host" });
    expect(way.at(-1)).toMatchObject({ at: 5, action: "guest", slot: B.slot });
  });

  test("that the next hop's host does not know yet ends after three hops, whoever knows it", () => {
    everywhere(B.address);
    w.send(1, A, routed);
    w.at(2).maps.routes.delete({ prefix: lpmPrefix(12), vpc: VPC, address: "172.16.0.0" });
    const { way } = w.send(1, A, routed);
    expect(way.at(-1)).toMatchObject({ action: "drop", reason: "hops" });
    expect(way.length).toBeLessThanOrEqual(4);
  });

  test("never leaves the next hop's host again for where its guest is not: a dead guest's packets end there", () => {
    everywhere(B.address);
    w.send(1, A, routed);
    const { endpoints } = w.at(2).maps;
    endpoints.set(B.slot, { ...endpoints.get(B.slot)!, device: Device.NONE });
    expect(ends(w.send(1, A, routed).way)).toEqual(["2 drop device_gone"]);
  });
});

test("a plain peer asks for the gateway's MAC at a hub, and gets the one that it has everywhere", () => {
  const hub = HUBS[0];
  const request = frame(
    eth({ src: P.mac, dst: "ff:ff:ff:ff:ff:ff" }),
    arp({ sender_mac: P.mac, sender_ip: P.address, target_ip: "10.0.2.1" }),
  );
  const got = w.at(hub).receive(wire(PEER, hub, { vni: NETWORK.back }, request));
  expect(got).toMatchObject({ action: "reply", class: "arp" });
  expect(decode(got.frame).at(-1)).toMatchObject({
    kind: "arp",
    op: 2,
    sender_mac: GATEWAY_MAC,
    sender_ip: "10.0.2.1",
  });
});
