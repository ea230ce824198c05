import { describe, expect, it } from "vitest";
import { fromHex, hex } from "./bytes.ts";
import { decodeMessage, encodeMessage, isSigned, type LearningMessage, MESSAGE_KINDS } from "./learning.ts";
import { siphash } from "./siphash.ts";

const KEY = "000102030405060708090a0b0c0d0e0f";

it("SipHash-2-4 gives the vectors of its definition", () => {
  const of = (n: number) =>
    siphash(
      fromHex(KEY),
      Uint8Array.from({ length: n }, (_, i) => i),
    );
  expect(of(15)).toBe(0xa129_ca61_49be_45e5n);
  expect(of(0)).toBe(0x726f_db47_dd0e_0e31n);
  expect(of(8)).toBe(0x93f5_f579_9a93_2462n);
});

const FULL: LearningMessage = {
  kind: "teach",
  hops: 2,
  key_version: 7,
  vpc: 5000,
  asker: 1,
  teller: 2,
  sequence: 3,
  nonce: 0x0102_0304_0506_0708n,
  address: "10.0.2.22",
  port: "00112233-4455-4677-8899-aabbccddeeff",
  revision: 0x1_0000_0009n,
  epoch: 4,
  roster: 0x2a,
};

describe("a learning message", () => {
  it.each(MESSAGE_KINDS)("says after decoding what was encoded: %s", (kind) => {
    const roster = kind === "teach" || kind === "absent" ? FULL.roster : 0;
    const bytes = encodeMessage({ ...FULL, kind, roster }, KEY);
    expect(bytes).toHaveLength(128);
    expect(decodeMessage(bytes)).toEqual({ ...FULL, kind, roster });
    expect(isSigned(bytes, KEY)).toBe(true);
  });

  it("has its fields where the table says", () => {
    expect(hex(encodeMessage(FULL, KEY).subarray(0, 80))).toBe(
      [
        "02020200 00000007 00001388 00000001 00000002 00000003 0102030405060708",
        "00000000000000000000ffff0a000216 00112233445546778899aabbccddeeff 0000000100000009 00000004 0000002a",
      ]
        .join("")
        .replaceAll(" ", ""),
    );
  });

  it("is signed by no other key, and not once any of its first 80 bytes is another", () => {
    const bytes = encodeMessage(FULL, KEY);
    expect(isSigned(bytes, "f".repeat(32))).toBe(false);
    for (let i = 0; i < 80; i++) {
      const changed = bytes.slice();
      changed[i]! ^= 1;
      expect(isSigned(changed, KEY), `byte ${i}`).toBe(false);
    }
  });

  it("is none with another version, kind, length, more than three hops, or bits that must be zero", () => {
    const bytes = encodeMessage(FULL, KEY);
    for (const [at, value] of [
      [0, 1],
      [1, 0],
      [1, 5],
      [2, 4],
      [3, 1],
    ] as const) {
      const changed = bytes.slice();
      changed[at] = value;
      expect(decodeMessage(changed), `byte ${at}`).toBeUndefined();
    }
    expect(decodeMessage(bytes.subarray(1))).toBeUndefined();
    expect(decodeMessage(encodeMessage({ kind: "absent" }, KEY))).toBeUndefined();
  });

  it("has a roster only where a host says whether it has an address", () => {
    const at = { address: "10.0.2.22", roster: 1 };
    const isNone = (said: Parameters<typeof encodeMessage>[0]) => decodeMessage(encodeMessage(said, KEY)) === undefined;
    expect(MESSAGE_KINDS.filter((kind) => isNone({ kind, ...at }))).toEqual(["ask", "unknown"]);
    expect(isNone({ kind: "teach", roster: 1 })).toBe(true);
  });

  it("without an address is a probe", () => {
    expect(decodeMessage(encodeMessage({ kind: "ask" }, KEY))?.address).toBeUndefined();
  });
});
