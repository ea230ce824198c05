/** Which answers are accepted: each rule broken once, and counted by its reason. */
import { packet } from "@onehop/core";
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import type { Learn } from "../../src/index.ts";
import { A, B, datagram, EPOCH, KEY, LearningWorld, message, messageIn, portId, VPC } from "./world.ts";

let w: LearningWorld;
beforeAll(() => {
  w = new LearningWorld();
});
afterAll(() => w.close());
/** The right answer to an open question of host 1 about B, unsigned; and the hub that was asked. */
let right: packet.LearningMessage;
let hub: number;
beforeEach(() => {
  w.reset();
  const { asked } = w.at(1).send(A.slot, datagram(A, B.address));
  hub = asked[0]!.host;
  const { nonce } = messageIn(asked[0]!.frame)!;
  right = {
    ...{ kind: "teach", hops: 0, key_version: 1, vpc: VPC, asker: 1, teller: 2, nonce, address: B.address },
    ...{ port: portId(B), epoch: EPOCH, revision: 20n, sequence: 0, roster: 0 },
  };
});

interface Sent extends Partial<packet.LearningMessage> {
  readonly from?: number;
  readonly key?: string;
}
const send = ({ from = 2, key = KEY, ...changes }: Sent = {}) =>
  w.at(1).receive(message(from, 1, packet.encodeMessage({ ...right, ...changes }, key)));
const accepted = { action: "learned", reason: "none", stage: "learn" };
const rejected = { action: "drop", reason: "message", stage: "learn" };

const OTHER = "f".repeat(32);
const CASES: readonly (readonly [string, keyof typeof Learn, Sent])[] = [
  ["a tag made with another key", "TAG", { key: OTHER }],
  ["a version of the key that is not known", "KEY_VERSION", { key_version: 2 }],
  ["version 0 of the key, which stands for none", "KEY_VERSION", { key_version: 0 }],
  ["a VPC that is not served here", "NO_KEY", { vpc: 6000 }],
  ["another nonce", "NONCE", { nonce: 1n }],
  ["an address that was not asked about", "UNSOLICITED", { address: "10.0.2.23" }],
  ["a teacher that speaks for another host", "TELLER", { teller: 5 }],
  ["a host that sends another's answer", "TELLER", { from: 5 }],
  ["an answer to another host's question", "NOT_MINE", { asker: 5 }],
  ["an outer source that is no host", "STRANGER", { from: 77, teller: 77 }],
  ["alive, though nobody was probed", "UNSOLICITED", { address: undefined, from: 5, teller: 5 }],
  ["a probe's answer of another nonce", "NONCE", { address: undefined, from: 0, teller: 0 }],
  ["absent, without an entry", "NOT_ITS_ENTRY", { kind: "absent" }],
  ["unknown, from another than the hub asked", "NOT_ITS_HUB", { kind: "unknown" }],
  ["absent with no address", "MALFORMED", { kind: "absent", address: undefined }],
];

describe("an answer is rejected, and counted, for", () => {
  test.each(CASES)("%s", (_title, reason, sent) => {
    const from = sent.from === 0 ? { from: hub, teller: hub } : {};
    expect(send({ ...sent, ...from })).toMatchObject(rejected);
    expect(w.count(1, reason)).toBe(1);
    expect(w.learned(1, B)).toBeUndefined();
  });

  test("being the same once more: a replay finds no open question", () => {
    expect(send()).toMatchObject(accepted);
    expect(send()).toMatchObject(rejected);
    expect(w.count(1, "UNSOLICITED")).toBe(1);
  });

  test("a question that is two seconds old", () => {
    const key = { vpc: VPC, address: B.address };
    const q = w.at(1).maps.questions.get(key)!;
    w.at(1).maps.questions.set(key, { ...q, nonce: 5, first: q.first - 3_000_000_000n });
    expect(send()).toMatchObject(rejected);
    expect(w.count(1, "UNSOLICITED")).toBe(1);
  });

  test("a claim below the floor that the controllers set, a teacher that is barred", () => {
    const key = { vpc: VPC, address: B.address };
    w.at(1).maps.floors.set(key, { revision: 21, epoch: EPOCH, sequence: 0 });
    expect(send()).toMatchObject(rejected);
    expect(w.count(1, "FLOOR")).toBe(1);
    w.at(1).maps.floors.delete(key);
    w.at(1).maps.barred.set({ vpc: VPC + 1, host: 2 }, { since: 1 });
    w.at(1).maps.barred.set({ vpc: VPC, host: 2 }, { since: 1 });
    expect(send()).toMatchObject(rejected);
    expect(w.count(1, "BARRED")).toBe(1);
    w.at(1).maps.barred.delete({ vpc: VPC, host: 2 });
    expect(send()).toMatchObject(accepted);
  });
});

/** Learns B at host 2, then opens a question about it again. */
function learnAndAskAgain(): void {
  expect(send()).toMatchObject(accepted);
  const { maps } = w.at(1);
  const key = { vpc: VPC, address: B.address };
  const l = maps.learned.get(key)!;
  maps.learned.set(key, { ...l, asked: l.asked - 2_000_000_000n });
  const [refresh] = w.at(1).send(A.slot, datagram(A, B.address)).asked;
  expect(refresh).toMatchObject({ host: 2 });
  const m = messageIn(refresh!.frame)!;
  expect(m).toMatchObject({ kind: "ask", port: portId(B), revision: 20n, epoch: EPOCH });
  right = { ...right, nonce: m.nonce };
}

describe("an entry that is known", () => {
  beforeEach(learnAndAskAgain);

  test("is renewed by its host", () => {
    expect(send()).toMatchObject(accepted);
    expect(w.count(1, "RENEWED")).toBe(1);
  });

  test("stays where the claim is older, or the same from another host", () => {
    expect(send({ revision: 19n })).toMatchObject(rejected);
    expect(send({ epoch: EPOCH - 1, revision: 99n })).toMatchObject(rejected);
    expect(send({ from: 5, teller: 5 })).toMatchObject(rejected);
    expect(w.count(1, "GENERATION")).toBe(3);
    expect(w.learned(1, B)).toMatchObject({ host: 2, claim: { revision: 20 } });
  });

  test("moves with a newer claim, also of a new epoch", () => {
    expect(send({ from: 5, teller: 5, revision: 21n })).toMatchObject(accepted);
    expect(w.learned(1, B)).toMatchObject({ host: 5, claim: { revision: 21, epoch: EPOCH } });
    expect(w.count(1, "MOVED")).toBe(1);
  });

  test("is removed by its own host's absent about this very claim, and by no other", () => {
    expect(send({ kind: "absent", from: 5, teller: 5 })).toMatchObject(rejected);
    expect(send({ kind: "absent", revision: 19n })).toMatchObject(rejected);
    expect(send({ kind: "absent", port: portId(A) })).toMatchObject(rejected);
    expect(w.count(1, "NOT_ITS_ENTRY")).toBe(3);
    expect(send({ kind: "absent" })).toMatchObject(accepted);
    expect(w.learned(1, B)).toBeUndefined();
  });
});

test("the former version of a key is accepted, and the current one signs", () => {
  const { maps } = w.at(1);
  maps.vpc_keys.set({ vpc: VPC }, { version: 2, former_version: 1, current: OTHER, former: KEY });
  expect(send()).toMatchObject(accepted);
  const [, question] = w.at(1).send(A.slot, datagram(A, "10.0.2.60")).asked;
  const payload = (question ?? w.at(1).send(A.slot, datagram(A, "10.0.2.61")).asked[0])!.frame.subarray(42);
  expect(packet.decodeMessage(payload)?.key_version).toBe(2);
  expect(packet.isSigned(payload, OTHER)).toBe(true);
});

test("Q14: what a hub said nobody has is unknown for 20 ms, and then asked about again", async () => {
  const MS = 1_000_000n;
  const TICK = 10n * MS; // of the kernel's coarse clock, at most
  const nobody = "10.0.2.99";
  const before = process.hrtime.bigint();
  w.send(1, A, datagram(A, nobody));
  const { until } = w.at(1).maps.unknowns.get({ vpc: VPC, address: nobody })!;
  expect(until).toBeGreaterThan(before + 20n * MS - TICK);
  expect(until).toBeLessThanOrEqual(process.hrtime.bigint() + 20n * MS);
  const questions = w.count(1, "ASKED");
  await vi.waitFor(() => expect(w.at(1).send(A.slot, datagram(A, nobody))).toMatchObject({ action: "host" }), {
    timeout: 2000,
    interval: 1,
  });
  expect(process.hrtime.bigint()).toBeGreaterThanOrEqual(until);
  expect(w.count(1, "ASKED")).toBe(questions + 1);
});

test("Q5: a VPC has room for so many entries; what finds none stays on the hub, and nobody else loses one", () => {
  w.rules(w.at(1), { max_learned: 0 });
  expect(send()).toMatchObject(accepted);
  expect(w.count(1, "FULL")).toBe(1);
  expect(w.learned(1, B)).toBeUndefined();
  expect(w.at(1).maps.learned_use.get({ vpc: VPC })).toMatchObject({ entries: 0, refused: 1 });
  expect(w.at(1).send(A.slot, datagram(A, B.address))).toMatchObject({ action: "host", host: hub });
});

test("over the budget of the VPC or the port a packet stays on the hub, without a question", () => {
  const to = (i: number) => w.at(1).send(A.slot, datagram(A, `10.0.2.${i}`));
  w.rules(w.at(1), { ask_rate: 1, ask_burst: 2 });
  const asks = [100, 101, 102, 103].map((i) => to(i).asked.filter((q) => messageIn(q.frame)?.address).length);
  expect(asks).toEqual([1, 1, 0, 0]);
  w.rules(w.at(1), { port_ask_rate: 1, port_ask_burst: 1 });
  expect([104, 105].map((i) => to(i).asked.filter((q) => messageIn(q.frame)?.address).length)).toEqual([1, 0]);
  expect(to(106)).toMatchObject({ action: "host" });
  expect(w.count(1, "OVER_BUDGET")).toBe(4);
});

test("a VPC that wants confirmed entries uses an entry only where its claim is confirmed", () => {
  const { maps } = w.at(1);
  maps.endpoints.set(A.slot, { ...maps.endpoints.get(A.slot)!, learns: 2 });
  expect(send()).toMatchObject(accepted);
  expect(w.at(1).send(A.slot, datagram(A, B.address))).toMatchObject({ host: hub });
  const key = { vpc: VPC, address: B.address };
  maps.confirmed.set(key, { epoch: EPOCH, revision: 19, sequence: 0 });
  expect(w.at(1).send(A.slot, datagram(A, B.address))).toMatchObject({ host: hub });
  maps.confirmed.set(key, { epoch: EPOCH, revision: 20, sequence: 0 });
  expect(w.at(1).send(A.slot, datagram(A, B.address))).toMatchObject({ host: 2 });
});
