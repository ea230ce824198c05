import { packet } from "@onehop/core";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { HostRig } from "../../src/harness.ts";
import { Drop, type DropEvent, lpmPrefix, openEvents, RouteKind } from "../../src/index.ts";
import { A, B, datagram, EPOCH, HUBS, LearningWorld, messageIn, NETWORK, portId, VPC } from "./world.ts";

let w: LearningWorld;
beforeAll(() => {
  w = new LearningWorld();
});
afterAll(() => w.close());
beforeEach(() => {
  w.reset();
});

const kinds = (frames: readonly { readonly frame: Uint8Array }[]) => frames.map((f) => messageIn(f.frame)?.kind);

describe("the first packet of a pair", () => {
  test("Q29: it is delivered by a hub, and the host that has the receiver teaches the sender's", () => {
    const { verdict, asked, way } = w.send(1, A, datagram(A, B.address));
    expect(HUBS).toContain(verdict.host);
    expect(way.map((h) => [h.at, h.action])).toEqual([
      [verdict.host, "host"],
      [2, "guest"],
    ]);
    expect(way[1]).toMatchObject({ slot: B.slot });
    expect(packet.decode(way[1]!.frame)[1]).toMatchObject({ ttl: 63, src: A.address, dst: B.address });
    expect(asked[0]!.map((h) => h.at)).toEqual([verdict.host, 2, 1]);
    expect(kinds([...asked[0]!.slice(0, 2)])).toEqual(["ask", "teach"]);
    expect(w.learned(1, B)).toMatchObject({
      host: 2,
      port: portId(B),
      claim: { epoch: EPOCH, revision: 20, sequence: 0 },
    });
  });

  test("Q30: the second goes straight, in both directions, and asks no hub", () => {
    w.send(1, A, datagram(A, B.address));
    const second = w.send(1, A, datagram(A, B.address));
    expect(second.verdict.host).toBe(2);
    expect(second.verdict.asked.map((q) => [q.host, messageIn(q.frame)?.address])).toEqual([[2, undefined]]);
    expect(second.way.map((h) => [h.at, h.action])).toEqual([[2, "guest"]]);
    w.send(2, B, datagram(B, A.address));
    const back = w.send(2, B, datagram(B, A.address));
    expect(back.way.map((h) => [h.at, h.action])).toEqual([[1, "guest"]]);
    expect(w.learned(1, B)?.packets).toBe(1);
    expect(w.at(1).maps.ways.get(A.slot)).toEqual({ direct: 1, by_hub: 1 });
  });

  test("a super-packet that is left to the kernel's VXLAN device takes along that it went by a hub", () => {
    const first = w.at(1).send(A.slot, datagram(A, B.address));
    const [relayed] = w.carry(first.host, first.frame);
    const left = w.at(2).receive(relayed!.frame, { gso_size: 1000 });
    expect(left).toMatchObject({ action: "stack", mark: 0x6f686f71 });
    expect(left.frame[49]).toBe(0);
  });

  test("the message on the wire is unencapsulated UDP of one size; what was left of the packet is not in it", () => {
    const [question] = w.at(1).send(A.slot, datagram(A, B.address)).asked;
    const [, ip, udp] = packet.decode(question!.frame);
    expect(question!.frame).toHaveLength(170);
    expect(ip).toMatchObject({ kind: "ipv4", src: "192.0.2.1", length: 156, df: true });
    expect(udp).toMatchObject({ kind: "udp", sport: 4797, dport: 4797, length: 136 });
    expect(messageIn(question!.frame)).toMatchObject({ kind: "ask", asker: 1, vpc: VPC, address: B.address, hops: 0 });
  });

  test("Q31: it asks at most once in 10 ms, with the same nonce until it is answered or a second old", () => {
    for (const hub of HUBS) w.dead.add(hub);
    const first = w.at(1).send(A.slot, datagram(A, B.address));
    const second = w.at(1).send(A.slot, datagram(A, B.address));
    expect(first.asked).toHaveLength(2);
    expect(second.asked).toHaveLength(0);
    expect(second.action).toBe("host");
    const key = { vpc: VPC, address: B.address };
    const { questions } = w.at(1).maps;
    const nonceOf = (age: number, last: number) => {
      const q = questions.get(key)!;
      const past = (ms: number) => q.last - BigInt(ms) * 1_000_000n;
      questions.set(key, { ...q, nonce: 5, first: past(age), last: past(last) });
      return messageIn(w.at(1).send(A.slot, datagram(A, B.address)).asked[0]!.frame)?.nonce;
    };
    const inMemory = (n: number) => Buffer.from(BigUint64Array.of(BigInt(n)).buffer).readBigUInt64BE();
    expect(nonceOf(500, 20)).toBe(inMemory(5));
    expect(nonceOf(1100, 20)).not.toBe(inMemory(5));
  });

  test("between ports of a VPC that does not learn nothing of it happens", () => {
    const { maps } = w.at(1);
    maps.endpoints.set(A.slot, { ...maps.endpoints.get(A.slot)!, learns: 0 });
    expect(w.at(1).send(A.slot, datagram(A, B.address))).toMatchObject({ reason: "unknown_destination", asked: [] });
  });
});

describe("hubs", () => {
  test("all hosts choose the same hub for an address, and spread addresses over the hubs", () => {
    const chosen = new Set<number>();
    for (let i = 30; i < 60; i++) {
      const to = `10.0.2.${i}`;
      const one = w.send(1, A, datagram(A, to)).verdict.host;
      expect(w.send(2, B, datagram(B, to)).verdict.host).toBe(one);
      chosen.add(one);
    }
    expect([...chosen].sort()).toEqual([...HUBS]);
  });

  test("Q14: an address that nobody has is unknown to the hub, and the guest is told at once", () => {
    const { asked, way } = w.send(1, A, datagram(A, "10.0.2.99"));
    expect(way.at(-1)).toMatchObject({ action: "drop", reason: "unknown_destination" });
    const told = asked[0]!.at(-1)!;
    expect(told).toMatchObject({ at: 1, action: "learned", retval: 7 });
    const [eth, ip, icmp, quoted] = packet.decode(told.frame);
    expect(eth).toMatchObject({ dst: A.mac });
    expect(ip).toMatchObject({ src: "10.0.1.1", dst: A.address });
    expect(icmp).toMatchObject({ kind: "icmp", type: 3, code: 1 });
    expect(quoted).toMatchObject({ src: A.address, dst: "10.0.2.99" });
    const body = told.frame.subarray(34);
    expect(packet.checksum(body)).toBe(0);
    const key = { vpc: VPC, address: "10.0.2.99" };
    expect(w.at(1).maps.unknowns.get(key)).toBeDefined();
    // Longer than its 20 ms, which may be over.
    w.at(1).maps.unknowns.set(key, { until: 2n ** 62n });
    expect(w.at(1).send(A.slot, datagram(A, "10.0.2.99"))).toMatchObject({ reason: "unknown_destination", asked: [] });
  });

  test("what a hub calls unknown is the drop of the port that sent it, in counters and events; a route's next hop too", () => {
    const events = openEvents(w.at(1).datapath.fds);
    const told: DropEvent[] = [];
    events.drain(() => undefined);
    w.at(1).maps.event_budgets.set(A.slot, { second: 0, spent: 0 });
    const dropped = (reason: number) => w.at(1).maps.drops.get({ slot: A.slot, reason });
    const [before, sent] = [dropped(Drop.UNKNOWN_DESTINATION)?.packets ?? 0, w.at(1).maps.port_counters.get(A.slot)];
    const { asked } = w.send(1, A, datagram(A, "10.0.2.98"));
    expect(asked[0]!.at(-1)).toMatchObject({ action: "learned", reason: "unknown_destination", slot: A.slot });
    expect(dropped(Drop.UNKNOWN_DESTINATION)?.packets).toBe(before + 1);
    const { tx_packets } = w.at(1).maps.port_counters.get(A.slot)!;
    expect(tx_packets - sent!.tx_packets).toBe(1);
    const { maps } = w.at(1);
    maps.routes.set(
      { prefix: lpmPrefix(24), vpc: VPC, address: "10.9.9.0" },
      { kind: RouteKind.VIA, next_hop: "::ffff:10.0.2.97" },
    );
    w.send(1, A, datagram(A, "10.9.9.9"));
    expect(events.drain((event) => told.push(event))).toBe(2);
    events.close();
    const row = { port: portId(A), vpc: VPC, vni: NETWORK.front, protocol: 17, sport: 4000, dport: 5000, length: 49 };
    expect(told).toMatchObject([
      { ...row, reason: Drop.UNKNOWN_DESTINATION, src: A.address, dst: "10.0.2.98", src_mac: A.mac },
      { ...row, reason: Drop.NEXT_HOP, src: A.address, dst: "10.9.9.9", src_mac: A.mac },
    ]);
  });

  test("what a hub calls unknown is nobody's drop where the slot is another tenant's by then", () => {
    const { maps } = w.at(1);
    const reason = Drop.UNKNOWN_DESTINATION;
    const before = maps.drops.get({ slot: A.slot, reason });
    const first = w.at(1).send(A.slot, datagram(A, "10.0.2.96"));
    maps.endpoints.set(A.slot, { ...maps.endpoints.get(A.slot)!, vpc: VPC + 1 });
    expect(w.carry(first.asked[0]!.host, first.asked[0]!.frame).at(-1)).toMatchObject({
      action: "learned",
      reason: "none",
    });
    expect(maps.drops.get({ slot: A.slot, reason })).toEqual(before);
  });

  test.each([
    ["is not whole", (hub: HostRig) => hub.maps.hub_sync.set(0, { until: 0n })],
    ["had no room for all of the VPC", (hub: HostRig) => w.rules(hub, { is_hub: 1, fits: 0 })],
  ])("a hub whose table %s says unknown to nobody, and tries the other hub once", (_, spoil) => {
    for (const hub of HUBS) spoil(w.at(hub));
    const { asked, way } = w.send(1, A, datagram(A, "10.0.2.99"));
    expect(asked[0]!.at(-1)).toMatchObject({ action: "drop", reason: "message" });
    expect(way.at(-1)).toMatchObject({ reason: "unknown_destination" });
    expect(way).toHaveLength(2);
    expect(HUBS.map((h) => w.count(h, "TOLD_UNKNOWN"))).toEqual([0, 0]);
  });

  test("a hub drops what comes from another host than its sender's", () => {
    const first = w.at(1).send(A.slot, datagram(A, B.address));
    const { maps } = w.at(first.host);
    const key = { vpc: VPC, address: A.address };
    const entry = maps.destinations.get(key)!;
    maps.destinations.set(key, { ...entry, where: 5 });
    expect(w.carry(first.host, first.frame).at(-1)).toMatchObject({ action: "drop", reason: "hub_source" });
    maps.moved.set(key, { until: 2n ** 62n, former: 1 });
    expect(w.carry(first.host, first.frame).at(-1)).toMatchObject({ action: "guest" });
  });

  test("a packet is passed on three times at most", () => {
    const first = w.at(1).send(A.slot, datagram(A, B.address));
    const [tired] = [first.frame.slice()];
    tired[49] = 0x83;
    expect(w.carry(first.host, tired).at(-1)).toMatchObject({ action: "drop", reason: "hops" });
  });

  test("a VPC with no hub left drops what is unknown with that reason; what was learned goes on", () => {
    w.send(1, A, datagram(A, B.address));
    w.rules(w.at(1), { hubs: [0, 0, 0, 0] });
    expect(w.at(1).send(A.slot, datagram(A, "10.0.2.50"))).toMatchObject({ action: "drop", reason: "no_hub" });
    expect(w.at(1).send(A.slot, datagram(A, B.address))).toMatchObject({ action: "host", host: 2 });
  });
});
