/** The parser of messages in the kernel against the codec in TypeScript: grammar, mutation, truncation. */
import { packet } from "@onehop/core";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Learn } from "../../src/index.ts";
import { A, B, datagram, KEY, LearningWorld, message, messageIn, portId, tunnel, VPC } from "./world.ts";

const RUNS = 4000;
const SEED = 4797;
const OTHER = "0f".repeat(16);

let w: LearningWorld;
beforeAll(() => {
  w = new LearningWorld([1, 2, 3, 4]);
});
afterAll(() => w.close());

const number = fc.oneof(fc.constantFrom(0, 1, 2, 3, 4, 9, 2 ** 32 - 1), fc.nat(2 ** 32 - 1));
const wide = fc.bigInt(0n, 2n ** 64n - 1n);

/** Near enough to right messages that every rule is met. */
const grammar: fc.Arbitrary<packet.LearningMessage> = fc.record({
  kind: fc.constantFrom(...packet.MESSAGE_KINDS),
  hops: fc.nat(3),
  key_version: fc.constantFrom(0, 1, 1, 1, 1, 2),
  vpc: fc.constantFrom(VPC, VPC, VPC, 6000),
  asker: fc.oneof(fc.constantFrom(1, 1, 2, 3, 0), number),
  teller: fc.oneof(fc.constantFrom(0, 2, 2, 3), number),
  sequence: number,
  nonce: wide,
  address: fc.constantFrom(A.address, B.address, "10.0.2.99", undefined, "20010db8000000000000000000000001"),
  port: fc.constantFrom(portId(A), portId(B), packet.NO_PORT),
  revision: fc.oneof(fc.constant(20n), wide),
  epoch: number,
  roster: fc.oneof(fc.constant(0), number),
});

/** In one message of so many. */
const seldom = <T>(weight: number, arbitrary: fc.Arbitrary<T>) =>
  fc.oneof({ weight, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary });
/** A byte that is another. */
const mutation = seldom(3, fc.record({ at: fc.nat(127), flip: fc.integer({ min: 1, max: 255 }) }));
const cut = seldom(20, fc.nat(127));
const sender = fc.constantFrom(2, 2, 3, 4, 77);
const key = fc.constantFrom(KEY, KEY, KEY, OTHER);

/** Why a message is rejected for its form or its tag; undefined: it is for the rules to judge. */
function formOf(payload: Uint8Array, from: number): keyof typeof Learn | undefined {
  const m = packet.decodeMessage(payload);
  if (!m) return "MALFORMED";
  if (from === 77) return "STRANGER";
  if (m.vpc !== VPC) return "NO_KEY";
  if (m.key_version !== 1) return "KEY_VERSION";
  return packet.isSigned(payload, KEY) ? undefined : "TAG";
}

const FORMS = ["MALFORMED", "STRANGER", "NO_KEY", "KEY_VERSION", "TAG"] as const;
const SAID = ["LEARNED", "RENEWED", "MOVED", "REMOVED", "UNKNOWN", "ALIVE", "FULL"] as const;

test("Q34: whatever comes, the kernel judges its form as the codec does, and no answer is accepted unasked", () => {
  const want = new Map<string, number>();
  const before = FORMS.map((form) => w.count(1, form));
  fc.assert(
    fc.property(grammar, key, sender, mutation, cut, (m, signed, from, mutated, length) => {
      const payload = packet.encodeMessage(m, signed);
      if (mutated) payload[mutated.at]! ^= mutated.flip;
      const sent = length === undefined ? payload : payload.subarray(0, length);
      const form = formOf(sent, from);
      const verdict = w.at(1).receive(message(from, 1, sent));
      expect(verdict.stage).toBe("learn");
      if (form) want.set(form, (want.get(form) ?? 0) + 1);
      if (form || m.kind !== "ask") expect(verdict).toMatchObject({ action: "drop", reason: "message" });
      else expect(["reply", "drop"]).toContain(verdict.action);
    }),
    { numRuns: RUNS, seed: SEED },
  );
  expect(FORMS.map((form, i) => w.count(1, form) - before[i]!)).toEqual(FORMS.map((form) => want.get(form) ?? 0));
  expect(SAID.map((what) => w.count(1, what))).toEqual(SAID.map(() => 0));
  expect([...w.at(1).maps.learned]).toEqual([]);
});

test("an open question is answered by one message only: the right one with any bit of its first 88 bytes another is not it", () => {
  const [question] = w.at(1).send(A.slot, datagram(A, B.address)).asked;
  const { nonce } = messageIn(question!.frame)!;
  const right = packet.encodeMessage(
    {
      kind: "teach",
      vpc: VPC,
      asker: 1,
      teller: 2,
      nonce,
      address: B.address,
      port: portId(B),
      revision: 20n,
      epoch: 3,
    },
    KEY,
  );
  for (let bit = 0; bit < 88 * 8; bit++) {
    const wrong = right.slice();
    wrong[bit >> 3]! ^= 1 << (bit & 7);
    expect(w.at(1).receive(message(2, 1, wrong)).action, `bit ${bit}`).toBe("drop");
  }
  expect(w.at(1).receive(message(2, 1, right)).action).toBe("learned");
});

test("the datagram around a message is as strict: no options, no fragments, both ports, right lengths and checksum", () => {
  const payload = packet.encodeMessage({ kind: "ask", vpc: VPC, asker: 2 }, KEY);
  const change = (at: number, value: number) => {
    const frame = message(2, 1, payload);
    frame[at] = value;
    return frame;
  };
  const strange = [
    message(2, 1, payload, { options: packet.fromHex("94040000") }),
    message(2, 1, payload, { df: false, mf: true }),
    message(2, 1, payload, { checksum: 0xdead }),
    message(2, 1, packet.concat([payload, new Uint8Array(1)])),
    change(35, 1),
    change(39, 1),
    message(2, 1, payload).subarray(0, 169),
  ];
  for (const [i, frame] of strange.entries())
    expect(w.at(1).receive(frame), `${i}`).toMatchObject({ action: "drop", reason: "message" });
  expect(w.at(1).receive(message(2, 1, payload))).toMatchObject({ action: "reply", host: 2 });
});

test("to another address of the host, or in a tunnel, it is no message", () => {
  const payload = packet.encodeMessage({ kind: "ask", vpc: VPC, asker: 2 }, KEY);
  const elsewhere = message(2, 1, payload, { dst: "192.0.2.200" });
  expect(w.at(1).receive(elsewhere)).toMatchObject({ action: "stack" });
  const inner = message(2, 1, payload);
  const tunnelled = packet.frame(
    packet.eth({}),
    packet.ipv4({ src: tunnel(2), dst: tunnel(1), df: true }),
    packet.udp({ sport: 49152, dport: 4789 }),
    packet.vxlan({ vni: VPC }),
    inner,
  );
  expect(w.at(1).receive(tunnelled).stage).not.toBe("learn");
});
