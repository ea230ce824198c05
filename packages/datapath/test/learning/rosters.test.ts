/** A host's word for all that it taught: one question a second for all entries that point to it. */
import { packet } from "@onehop/core";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { A, B, datagram, type Guest, KEY, LearningWorld, message, messageIn, portId, VPC } from "./world.ts";

const MS = 1_000_000n;
/** A second guest of host 2. */
const C = { ...B, slot: 3, address: "10.0.2.33", mac: "0a:00:00:00:00:03" } as const;
const ROSTER = 7;
const vouchedKey = { vpc: VPC, host: 2 };

let w: LearningWorld;
beforeAll(() => {
  w = new LearningWorld();
});
afterAll(() => w.close());
beforeEach(() => {
  w.reset();
  w.bind(2, C, 21);
  roster(ROSTER);
  for (const guest of [B, C]) w.send(1, A, datagram(A, guest.address));
  passes(2000);
  for (const guest of [B, C]) w.send(1, A, datagram(A, guest.address));
});

function roster(number: number): void {
  w.at(2).maps.rosters.set({ vpc: VPC }, { number });
}
const word = () => w.at(1).maps.vouched.get(vouchedKey);
/** As if so long ago host 2 had said anything, and the entries had been asked about. */
function passes(ms: number): void {
  const { learned, vouched } = w.at(1).maps;
  const past = BigInt(ms) * MS;
  for (const [key, entry] of [...learned]) learned.set(key, { ...entry, asked: entry.asked - past });
  for (const [key, said] of [...vouched])
    vouched.set(key, { ...said, asked: said.asked - past, again: said.again === 0n ? 0n : said.again - past });
}
/** What a packet to the guest asks of hosts about addresses, and what comes back. */
const asks = (guest: Guest) =>
  w
    .send(1, A, datagram(A, guest.address))
    .asked.filter(([hop]) => messageIn(hop!.frame)?.address)
    .map((hops) => [hops[0]!.at, messageIn(hops.at(-1)!.frame)!.kind]);
/** Asked and not answered. */
const onlyAsks = (guest: Guest) =>
  w
    .at(1)
    .send(A.slot, datagram(A, guest.address))
    .asked.map((q) => messageIn(q.frame)!)
    .filter(({ address }) => address);

test("Q26: what a host answers straight carries its roster, the entry keeps it, and the host's word is known", () => {
  for (const guest of [B, C]) expect(w.learned(1, guest)).toMatchObject({ host: 2, roster: ROSTER });
  expect(word()).toMatchObject({ roster: ROSTER, again: 0n });
});

test("a roster in an answer to a question that went by a hub is not heard: whoever carried it may have said so", () => {
  const D = { ...B, slot: 4, address: "10.0.2.44", mac: "0a:00:00:00:00:04" } as const;
  w.bind(2, D, 22);
  roster(8);
  const [question] = onlyAsks(D);
  const claim = { port: portId(D), epoch: 3, revision: 22n, roster: 8 };
  const said = { ...question!, kind: "teach", teller: 2, ...claim } as const;
  expect(w.at(1).receive(message(2, 1, packet.encodeMessage(said, KEY)))).toMatchObject({ action: "learned" });
  expect(w.learned(1, D)).toMatchObject({ host: 2, roster: 0 });
  expect(word()).toMatchObject({ roster: ROSTER });
  passes(2000);
  expect(asks(D)).toEqual([[2, "teach"]]);
  expect(w.learned(1, D)).toMatchObject({ roster: 8 });
});

test("Q26: one question a second is for all entries of its host", () => {
  passes(2000);
  expect(asks(B)).toEqual([[2, "teach"]]);
  expect(asks(C)).toEqual([]);
  expect(w.learned(1, C)!.asked).toBe(word()!.asked);
  expect(w.learned(1, C)!.taught).toBe(word()!.asked);
  passes(900);
  expect([...asks(B), ...asks(C)]).toEqual([]);
  passes(200);
  expect(asks(C)).toEqual([[2, "teach"]]);
  expect(asks(B)).toEqual([]);
});

test("while the question is out no other one goes, and after 10 ms without an answer another does", () => {
  passes(2000);
  expect(onlyAsks(B)).toHaveLength(1);
  expect(onlyAsks(C)).toEqual([]);
  passes(20);
  expect(onlyAsks(C)).toHaveLength(1);
});

test("a host that says nothing new for three seconds is asked about each entry", () => {
  passes(3100);
  expect(onlyAsks(B)).toHaveLength(1);
  expect(onlyAsks(C)).toHaveLength(1);
});

test("where the word was evicted, each entry is asked about until there is one again", () => {
  w.at(1).maps.vouched.delete(vouchedKey);
  passes(1100);
  expect(onlyAsks(B)).toHaveLength(1);
  expect(asks(C)).toEqual([[2, "teach"]]);
  expect(word()).toMatchObject({ roster: ROSTER });
});

test("what a host says of one VPC is nothing of another", () => {
  w.at(1).maps.vouched.delete(vouchedKey);
  w.at(1).maps.vouched.set({ vpc: 6000, host: 2 }, { asked: 2n ** 62n, again: 0n, roster: ROSTER });
  passes(1100);
  expect(asks(B)).toEqual([[2, "teach"]]);
});

test("where anything of the host changed, each of its entries is asked about", () => {
  passes(2000);
  roster(8);
  expect(asks(B)).toEqual([[2, "teach"]]);
  expect(w.learned(1, B)).toMatchObject({ roster: 8 });
  expect(asks(C)).toEqual([[2, "teach"]]);
  expect(w.learned(1, C)).toMatchObject({ roster: 8 });
  passes(2000);
  expect([...asks(C), ...asks(B)]).toEqual([[2, "teach"]]);
});

test("a guest that left is found out by the next question about any of its host's", () => {
  w.unbind(2, C);
  w.bind(5, C, 30);
  roster(8);
  passes(1100);
  expect(asks(B)).toEqual([[2, "teach"]]);
  expect(asks(C)).toEqual([[2, "absent"]]);
  expect(w.learned(1, C)).toBeUndefined();
  expect(word()).toMatchObject({ roster: 8 });
});

test("absent says the roster, too, and its host's other entries are asked about", () => {
  w.unbind(2, C);
  roster(8);
  passes(1100);
  expect(asks(C)).toEqual([[2, "absent"]]);
  expect(word()).toMatchObject({ roster: 8 });
  expect(asks(B)).toEqual([[2, "teach"]]);
});

test("a host that vouches for nothing is asked about each entry, every second", () => {
  w.at(2).maps.rosters.delete({ vpc: VPC });
  passes(2000);
  expect([...asks(B), ...asks(C)]).toHaveLength(2);
  expect(w.learned(1, B)).toMatchObject({ roster: 0 });
  passes(2000);
  expect([...asks(B), ...asks(C)]).toHaveLength(2);
});

test("an entry that was learned before there were rosters is asked about", () => {
  const key = { vpc: VPC, address: C.address };
  w.at(1).maps.learned.set(key, { ...w.learned(1, C)!, roster: 0 });
  passes(2000);
  expect(asks(B)).toHaveLength(1);
  expect(asks(C)).toHaveLength(1);
  expect(w.learned(1, C)).toMatchObject({ roster: ROSTER });
});

describe("a word that is not to be heard", () => {
  /** Answers the open question about B as host `from`, with another roster. */
  const answerAs = (from: number, changes: Partial<packet.LearningMessage> = {}) => {
    passes(2000);
    const [question] = onlyAsks(B);
    const claim = { port: portId(B), epoch: 3, revision: 20n, roster: 9 };
    const said = { ...question!, kind: "teach", teller: from, ...claim, ...changes } as const;
    return w.at(1).receive(message(from, 1, packet.encodeMessage(said, KEY)));
  };

  test("an older one does not replace a newer one", () => {
    const newer = { ...word()!, asked: word()!.asked + 10_000n * MS, roster: 11 };
    w.at(1).maps.vouched.set(vouchedKey, newer);
    expect(answerAs(2)).toMatchObject({ action: "learned" });
    expect(word()).toMatchObject({ roster: 11 });
  });

  test("that of another host is its own, and none where its answer is rejected", () => {
    expect(answerAs(5)).toMatchObject({ action: "drop", reason: "message" });
    expect(answerAs(5, { kind: "absent" })).toMatchObject({ action: "drop", reason: "message" });
    expect([...w.at(1).maps.vouched].map(([{ host }, { roster }]) => [host, roster])).toEqual([[2, ROSTER]]);
  });

  test("that of a claim which is too old", () => {
    expect(answerAs(2, { revision: 19n })).toMatchObject({ action: "drop", reason: "message" });
    expect(word()).toMatchObject({ roster: ROSTER });
  });

  test("one beside a message that has none is malformed", () => {
    expect(answerAs(2, { kind: "unknown" })).toMatchObject({ action: "drop", reason: "message" });
    expect(answerAs(2, { address: undefined })).toMatchObject({ action: "drop", reason: "message" });
    expect(w.count(1, "MALFORMED")).toBe(2);
  });
});
