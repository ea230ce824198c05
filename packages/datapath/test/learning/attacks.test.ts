/** What a taken-over host, a replay or another tenant could try, beyond one broken rule of an answer (answers.test.ts). */
import { GATEWAY_MAC, packet } from "@onehop/core";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { Device, Learn, Learns, type Peer, Place, VniKind } from "../../src/index.ts";
import { A, B, datagram, EPOCH, HUBS, KEY, LearningWorld, message, messageIn, NETWORK, portId, VPC } from "./world.ts";

let w: LearningWorld;
beforeAll(() => {
  w = new LearningWorld();
});
afterAll(() => w.close());
beforeEach(() => {
  w.reset();
});

const MS = 1_000_000n;
const TWIN = 6000;
const TWIN_KEY = "f0".repeat(16);
const key = { vpc: VPC, address: B.address };
const rejected = { action: "drop", reason: "message" };

/** An open question of host 1 about an address: the hub asked, and the right teach. */
function open(address: string = B.address): { readonly hub: number; readonly right: packet.LearningMessage } {
  const question = w
    .at(1)
    .send(A.slot, datagram(A, address))
    .asked.find((q) => messageIn(q.frame)?.address)!;
  const right: packet.LearningMessage = {
    ...{ kind: "teach", hops: 0, key_version: 1, vpc: VPC, asker: 1, teller: 2, address, port: portId(B) },
    ...{ nonce: messageIn(question.frame)!.nonce, epoch: EPOCH, revision: 20n, sequence: 0, roster: 0 },
  };
  return { hub: question.host, right };
}
describe("between two VPCs that a host serves", () => {
  beforeEach(() => {
    const keys = { version: 1, former_version: 0, current: TWIN_KEY, former: "0".repeat(32) };
    w.at(1).maps.vpc_keys.set({ vpc: TWIN }, keys);
  });
  afterAll(() => void w.at(1).maps.vpc_keys.delete({ vpc: TWIN }));

  test("an answer about one VPC is none about the other, whoever's key it carries", () => {
    const { right } = open();
    const send = (vpc: number, signed: string) =>
      w.at(1).receive(message(2, 1, packet.encodeMessage({ ...right, vpc }, signed)));
    expect(send(TWIN, TWIN_KEY)).toMatchObject(rejected);
    expect(w.count(1, "UNSOLICITED")).toBe(1);
    expect(send(TWIN, KEY)).toMatchObject(rejected);
    expect(send(VPC, TWIN_KEY)).toMatchObject(rejected);
    expect(w.count(1, "TAG")).toBe(2);
    expect([...w.at(1).maps.learned]).toEqual([]);
    expect(send(VPC, KEY)).toMatchObject({ action: "learned" });
  });

  test("an unknown whose slot is another VPC's by now tells that guest nothing", () => {
    const { hub, right } = open("10.0.2.99");
    const { endpoints } = w.at(1).maps;
    endpoints.set(A.slot, { ...endpoints.get(A.slot)!, vpc: TWIN });
    const unknown = { ...right, kind: "unknown", teller: hub, port: packet.NO_PORT, revision: 0n, epoch: 0 } as const;
    const got = w.at(1).receive(message(hub, 1, packet.encodeMessage(unknown, KEY)));
    expect(got).toMatchObject({ action: "learned", retval: 2 });
  });

  test("a host that lacks one VPC's key is not taken for dead: every other probe is under a key that it answered", () => {
    for (let i = 0; i < 2; i++) w.send(1, A, datagram(A, B.address));
    const C = { slot: 9, net: "front", address: "10.0.1.90", mac: "0a:00:00:00:00:90" } as const;
    const { maps } = w.at(1);
    maps.endpoints.set(C.slot, {
      ...{ port: portId(C), generation: 1, vpc: TWIN, network: NETWORK.front, ifindex: 109, mtu: 1450 },
      ...{ address: C.address, gateway: "10.0.1.1", mac: C.mac, gateway_mac: GATEWAY_MAC },
      ...{ device: Device.VETH, has_allowed: 0, learns: Learns.YES, near: 0 },
    });
    const at = (address: string, place: number, where: number) =>
      maps.destinations.set({ vpc: TWIN, address }, { network: NETWORK.front, mac: C.mac, place, where });
    at(C.address, Place.LOCAL, C.slot);
    at("10.0.1.91", Place.REMOTE, 2);
    const probes: (number | undefined)[] = [];
    for (let i = 0; i < 8; i++) {
      const { peers } = maps;
      const p = peers.get(2)!;
      const past = (t: bigint) => (t === 0n ? t : t - 40n * MS);
      const older = { heard: past(p.heard), answered: past(p.answered), probed: past(p.probed), first: past(p.first) };
      peers.set(2, { ...p, ...older, nonce: 1 });
      const { asked } = w.send(1, C, datagram(C, "10.0.1.91"));
      for (const [probe] of asked) probes.push(probe && messageIn(probe.frame)?.vpc);
    }
    expect(w.count(2, "NO_KEY")).toBeGreaterThan(0);
    expect(maps.peers.get(2)).toMatchObject({ silent: 0 });
    expect(probes).toContain(VPC);
  });
});

describe("a replay", () => {
  test("of an unknown finds its question closed, so that an address that comes is not held back", () => {
    const { hub, right } = open("10.0.2.99");
    const unknown = { ...right, kind: "unknown", teller: hub, port: packet.NO_PORT, revision: 0n, epoch: 0 } as const;
    const frame = message(hub, 1, packet.encodeMessage(unknown, KEY));
    expect(w.at(1).receive(frame)).toMatchObject({ action: "learned" });
    expect(w.at(1).receive(frame)).toMatchObject(rejected);
    expect(w.count(1, "UNSOLICITED")).toBe(1);
  });

  test("of an absent, too", () => {
    w.send(1, A, datagram(A, B.address));
    const { learned } = w.at(1).maps;
    learned.set(key, { ...learned.get(key)!, asked: 0n });
    w.unbind(2, B);
    const refresh = w
      .at(1)
      .send(A.slot, datagram(A, B.address))
      .asked.find((q) => messageIn(q.frame)?.address)!;
    const absent = w.at(2).receive(refresh.frame).frame;
    expect(w.at(1).receive(absent)).toMatchObject({ action: "learned" });
    expect(w.at(1).receive(absent)).toMatchObject(rejected);
    expect(w.count(1, "UNSOLICITED")).toBe(1);
  });

  test("of a probe's answer, too", () => {
    const { asked } = w.at(1).send(A.slot, datagram(A, B.address));
    const probe = asked.find((q) => !messageIn(q.frame)?.address)!;
    const alive = w.at(probe.host).receive(probe.frame).frame;
    expect(w.at(1).receive(alive)).toMatchObject({ action: "learned" });
    expect(w.at(1).receive(alive)).toMatchObject(rejected);
    expect(w.count(1, "UNSOLICITED")).toBe(1);
  });
});

/** As if nothing had come from host 2 for long. */
function unheard(changes: Partial<Peer> = {}): void {
  const { peers } = w.at(1).maps;
  const never = { heard: 0n, answered: 0n, probed: 0n, first: 0n, nonce: 1, tries: 0, open: 0 };
  peers.set(2, { ...peers.get(2)!, ...never, ...changes });
}
/** What host 2 makes of the questions beside a packet of A's to B: a refresh's answer, or a probe's. */
function answers(): { readonly refresh: Uint8Array[]; readonly probe: Uint8Array[] } {
  const asked = w
    .at(1)
    .send(A.slot, datagram(A, B.address))
    .asked.filter((q) => q.host === 2);
  const of = (isProbe: boolean) =>
    asked
      .filter((q) => (messageIn(q.frame)?.address === undefined) === isProbe)
      .map((q) => w.at(2).receive(q.frame).frame);
  return { refresh: of(false), probe: of(true) };
}

describe("a probe's answer", () => {
  beforeEach(() => {
    w.send(1, A, datagram(A, B.address));
    for (const what of [Learn.ALIVE, Learn.UNSOLICITED]) w.at(1).maps.learning.reset(what);
    unheard();
  });

  test("is taken beside the refresh's that came before it, once", () => {
    const { learned } = w.at(1).maps;
    learned.set(key, { ...learned.get(key)!, asked: 0n });
    const { refresh, probe } = answers();
    expect([refresh.length, probe.length]).toEqual([1, 1]);
    expect(w.at(1).receive(refresh[0]!)).toMatchObject({ action: "learned" });
    expect(w.at(1).maps.peers.get(2)).toMatchObject({ tries: 0, open: 1 });
    expect(w.at(1).receive(probe[0]!)).toMatchObject({ action: "learned" });
    expect(w.count(1, "ALIVE")).toBe(1);
    expect(w.at(1).receive(probe[0]!)).toMatchObject(rejected);
    expect(w.count(1, "UNSOLICITED")).toBe(1);
  });

  test("is taken once for each probe, though one was enough", () => {
    unheard({ nonce: 7, tries: 1, open: 1 });
    const { probe } = answers();
    for (const action of ["learned", "learned", "drop"]) expect(w.at(1).receive(probe[0]!)).toMatchObject({ action });
    expect([w.count(1, "ALIVE"), w.count(1, "UNSOLICITED")]).toEqual([2, 1]);
  });

  test("two seconds late is none that anybody waits for", () => {
    const { probe } = answers();
    unheard({ open: 1 });
    expect(w.at(1).receive(probe[0]!)).toMatchObject(rejected);
    expect(w.count(1, "UNSOLICITED")).toBe(1);
  });
});

describe("a question", () => {
  test("that went by a hub proves nothing of the straight way: a refresh has a nonce of its own", () => {
    const { questions, learned } = w.at(1).maps;
    const { right } = open();
    const byHub = questions.get(key)!;
    expect(HUBS).toContain(byHub.asked);
    expect(w.at(1).receive(message(2, 1, packet.encodeMessage(right, KEY)))).toMatchObject({ action: "learned" });
    learned.set(key, { ...learned.get(key)!, asked: 0n });
    questions.set(key, { ...byHub, nonce: 5 });
    const refresh = w
      .at(1)
      .send(A.slot, datagram(A, B.address))
      .asked.find((q) => messageIn(q.frame)?.address)!;
    expect(questions.get(key)).toMatchObject({ straight: 1, asked: 2 });
    expect(packet.hex(refresh.frame.subarray(66, 74))).not.toBe(
      packet.hex(new Uint8Array(BigUint64Array.of(5n).buffer)),
    );
  });

  test("has a nonce that no other had", () => {
    const nonces = new Set<bigint>();
    for (let i = 0; i < 200; i++) nonces.add(open(`10.0.3.${i}`).right.nonce!);
    expect(nonces.size).toBe(200);
  });

  test("is passed to a hub by another hub only, or from where the address is or was", () => {
    const ask = (from: number) =>
      w
        .at(HUBS[0])
        .receive(
          message(
            from,
            HUBS[0],
            packet.encodeMessage({ kind: "ask", vpc: VPC, asker: 1, hops: 1, nonce: 9n, address: B.address }, KEY),
          ),
        );
    expect(ask(5)).toMatchObject(rejected);
    expect(w.count(HUBS[0], "ASKER")).toBe(1);
    expect(ask(HUBS[1])).toMatchObject({ action: "reply", host: 2 });
    w.at(HUBS[0]).maps.moved.set(key, { until: 2n ** 62n, former: 5 });
    expect(ask(5)).toMatchObject({ action: "reply", host: 2 });
  });
});

test("an unknown of the hub asked removes an entry whose own host says nothing, and leaves that of one that does", () => {
  const { peers } = w.at(1).maps;
  const unknownWhile = (silent: number): void => {
    const { asked } = w.at(1).send(A.slot, datagram(A, B.address));
    const { host, frame } = asked.find((q) => messageIn(q.frame)?.address)!;
    expect(HUBS).toContain(host);
    peers.set(2, { ...peers.get(2)!, nonce: 1, silent });
    const { nonce } = messageIn(frame)!;
    const unknown = { kind: "unknown", vpc: VPC, asker: 1, teller: host, nonce, address: B.address } as const;
    expect(w.at(1).receive(message(host, 1, packet.encodeMessage(unknown, KEY)))).toMatchObject({ action: "learned" });
  };
  w.send(1, A, datagram(A, B.address));
  for (const [silent, stays] of [
    [0, true],
    [1, false],
  ] as const) {
    peers.set(2, { ...peers.get(2)!, nonce: 1, silent: 1 });
    unknownWhile(silent);
    expect(w.learned(1, B) !== undefined).toBe(stays);
  }
});

test("what is oversized, though signed, is no message", () => {
  const payload = packet.encodeMessage(open().right, KEY);
  const long = packet.concat([payload, new Uint8Array(1300)]);
  expect(w.at(1).receive(message(2, 1, long))).toMatchObject(rejected);
  expect(w.count(1, "MALFORMED")).toBe(1);
});

test("VPCs are apart in everything that is kept: a table, a question, an unknown of one is none of the other's", () => {
  const { maps } = w.at(1);
  w.send(1, A, datagram(A, B.address));
  w.send(1, A, datagram(A, "10.0.2.99"));
  for (const name of ["learned", "questions", "unknowns"] as const)
    expect([...maps[name]].every(([k]) => k.vpc === VPC)).toBe(true);
  expect(maps.vnis.get({ vni: VPC })).toMatchObject({ kind: VniKind.VPC });
});
