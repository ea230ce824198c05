/** Guests that move, hosts that die: repaired in-band. */
import { packet } from "@onehop/core";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { A, B, datagram, HUBS, KEY, LearningWorld, message, messageIn, VPC } from "./world.ts";

let w: LearningWorld;
beforeAll(() => {
  w = new LearningWorld();
});
afterAll(() => w.close());
beforeEach(() => {
  w.reset();
  w.send(1, A, datagram(A, B.address));
});

const MS = 1_000_000n;
const key = { vpc: VPC, address: B.address };
/** As if all stamps of the entry were so much older. */
function entryAges(ms: number): void {
  const { learned } = w.at(1).maps;
  const l = learned.get(key)!;
  learned.set(key, { ...l, asked: l.asked - BigInt(ms) * MS });
}
function peerAges(host: number, ms: number): void {
  const { peers } = w.at(1).maps;
  const p = peers.get(host)!;
  const past = (t: bigint) => (t === 0n ? t : t - BigInt(ms) * MS);
  peers.set(host, {
    ...p,
    ...{ nonce: 1, heard: past(p.heard), answered: past(p.answered), probed: past(p.probed), first: past(p.first) },
    ...{ silent_since: past(p.silent_since), held_until: past(p.held_until) },
  });
}
const ends = (way: readonly { at: number; action: string }[]) => way.map((h) => [h.at, h.action]);

describe("a guest that moved", () => {
  beforeEach(() => {
    w.unbind(2, B);
    w.bind(5, B, 30);
    for (const hub of HUBS) w.at(hub).maps.moved.set(key, { until: 2n ** 62n, former: 2 });
  });

  test("gets what its former host still receives: that host passes it on by a hub, and nothing is lost", () => {
    const { verdict, way } = w.send(1, A, datagram(A, B.address));
    expect(verdict.host).toBe(2);
    expect(way.map((h) => h.action)).toEqual(["host", "host", "guest"]);
    expect([way[0]!.at, way[2]!.at]).toEqual([2, 5]);
    expect(HUBS).toContain(way[1]!.at);
    expect(packet.decode(way[2]!.frame)[1]).toMatchObject({ ttl: 63 });
  });

  test("is passed on straight where its former host knows the new one", () => {
    const entry = w.at(3).maps.destinations.get(key)!;
    w.at(2).maps.destinations.set(key, entry);
    expect(ends(w.send(1, A, datagram(A, B.address)).way)).toEqual([
      [2, "host"],
      [5, "guest"],
    ]);
  });

  test("the next refresh is answered with absent, and the next packet learns the new host", () => {
    entryAges(2000);
    const { asked, way } = w.send(1, A, datagram(A, B.address));
    expect(asked[0]!.map((h) => [h.at, messageIn(h.frame)?.kind])).toEqual([
      [2, "absent"],
      [1, "absent"],
    ]);
    expect(way.at(-1)).toMatchObject({ at: 5, action: "guest" });
    expect(w.learned(1, B)).toBeUndefined();
    expect(w.send(1, A, datagram(A, B.address)).way.at(-1)).toMatchObject({ at: 5 });
    expect(w.learned(1, B)).toMatchObject({ host: 5, claim: { revision: 30 } });
  });
});

test("a port that was on a hub and is nowhere now is unknown there, and its entry goes", () => {
  const hub = HUBS[0];
  const guest = { ...B, slot: 7, address: "10.0.2.77", mac: "0a:00:00:00:00:07" } as const;
  w.bind(hub, guest, 40);
  w.send(1, A, datagram(A, guest.address));
  expect(w.learned(1, guest)).toMatchObject({ host: hub });
  w.unbind(hub, guest);
  const entry = { vpc: VPC, address: guest.address };
  const { learned } = w.at(1).maps;
  learned.set(entry, { ...learned.get(entry)!, asked: 0n });
  const { asked } = w.send(1, A, datagram(A, guest.address));
  expect(asked[0]!.at(-1)).toMatchObject({ at: 1, action: "learned" });
  expect(w.count(1, "UNKNOWN")).toBe(1);
  expect(w.learned(1, guest)).toBeUndefined();
});

test("a hub takes what is passed on only from where the receiver is or was", () => {
  w.unbind(2, B);
  w.bind(5, B, 30);
  const { way } = w.send(1, A, datagram(A, B.address));
  expect(way.at(-1)).toMatchObject({ action: "drop", reason: "hub_source" });
});

describe("a host that does not answer", () => {
  /** Three probes without an answer, over more than 100 ms. */
  function silence(host: number): void {
    w.dead.add(host);
    for (let i = 0; i < 4; i++) {
      w.send(1, A, datagram(A, B.address));
      peerAges(host, 110);
    }
  }

  test("is gone round by a hub after three probes, and what goes there asks", () => {
    silence(2);
    const { verdict } = w.send(1, A, datagram(A, B.address));
    expect(HUBS).toContain(verdict.host);
    expect(w.at(1).maps.peers.get(2)).toMatchObject({ silent: 1, falls: 1 });
    expect(w.learned(1, B)).toMatchObject({ host: 2 });
  });

  test("is used again when it answers a probe, but not at once", () => {
    silence(2);
    w.dead.clear();
    w.send(1, A, datagram(A, B.address));
    peerAges(2, 110);
    // The nonce that this test could not write exactly is sent anew.
    w.send(1, A, datagram(A, B.address));
    const peer = w.at(1).maps.peers.get(2)!;
    expect(peer).toMatchObject({ silent: 0 });
    expect(HUBS).toContain(w.send(1, A, datagram(A, B.address)).verdict.host);
    peerAges(2, 600);
    expect(w.send(1, A, datagram(A, B.address)).verdict.host).toBe(2);
  });

  test("is used all the same where the VPC has no hub that answers", () => {
    silence(2);
    w.rules(w.at(1), { hubs: [0, 0, 0, 0] });
    expect(w.send(1, A, datagram(A, B.address)).verdict.host).toBe(2);
  });

  test("Q31: an idle pair sends nothing: every message is beside a packet", () => {
    const { asked } = w.send(1, A, datagram(A, B.address));
    expect(asked.length).toBeLessThanOrEqual(1);
    expect(w.send(1, A, datagram(A, B.address)).asked).toEqual([]);
  });
});

describe("questions", () => {
  const ask = (from: number, to: number, more: Partial<packet.LearningMessage>) =>
    w.carry(
      to,
      message(
        from,
        to,
        packet.encodeMessage({ kind: "ask", vpc: VPC, asker: from, nonce: 9n, address: B.address, ...more }, KEY),
      ),
    );

  test("in another's name are dropped", () => {
    expect(ask(5, HUBS[0], { asker: 1 }).at(-1)).toMatchObject({ action: "drop", reason: "message" });
    expect(w.count(HUBS[0], "ASKER")).toBe(1);
  });

  test("of a host that nobody knows are dropped, passed on or not", () => {
    expect(ask(5, 2, { asker: 900, hops: 1 }).at(-1)).toMatchObject({ action: "drop", reason: "message" });
    expect(w.count(2, "ASKER")).toBe(1);
  });

  test("are passed on three times at most", () => {
    expect(ask(HUBS[1], HUBS[0], { asker: 1, hops: 3 }).at(-1)).toMatchObject({ action: "drop", reason: "message" });
    expect(w.count(HUBS[0], "HOPS")).toBe(1);
  });

  test("without an address are answered by everybody who has the key", () => {
    expect(ask(1, 5, { address: undefined })[0]).toMatchObject({ action: "reply", host: 1 });
    expect(ask(1, 5, { address: undefined, hops: 1 }).at(-1)).toMatchObject({ action: "drop" });
  });

  test("are answered by the port's host only while the port's device is there", () => {
    expect(messageIn(ask(1, 2, {})[0]!.frame)?.kind).toBe("teach");
    const { endpoints } = w.at(2).maps;
    endpoints.set(B.slot, { ...endpoints.get(B.slot)!, device: 0 });
    expect(messageIn(ask(1, 2, {})[0]!.frame)?.kind).toBe("absent");
  });
});
