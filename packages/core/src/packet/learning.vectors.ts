/** One message of each kind, as docs/learning.md shows them; signed with the key of SipHash's own vectors. */
import type { LearningMessage } from "./learning.ts";

export const VECTOR_KEY = "000102030405060708090a0b0c0d0e0f";

const ASK = {
  kind: "ask",
  ...{ hops: 0, key_version: 1, vpc: 5000, asker: 1, teller: 0, nonce: 0x1122_3344_5566_7788n, address: "10.0.2.22" },
  ...{ port: "00000000-0000-0000-0000-000000000000", epoch: 0, revision: 0n, sequence: 0, roster: 0 },
} as const;
const CLAIM = { port: "5f0c1f3e-8f0a-4c8e-9a51-0d2b7c6e4f10", epoch: 3, revision: 20n } as const;

/** By the heading that each has in the docs. */
export const VECTORS: Readonly<Record<string, LearningMessage>> = {
  ask: ASK,
  refresh: { ...ASK, ...CLAIM },
  probe: { ...ASK, address: undefined },
  teach: { ...ASK, ...CLAIM, kind: "teach", teller: 2, roster: 0x5eed_0001 },
  absent: { ...ASK, ...CLAIM, kind: "absent", teller: 2, roster: 0x5eed_0002 },
  unknown: { ...ASK, kind: "unknown", teller: 3 },
  alive: { ...ASK, kind: "teach", teller: 2, address: undefined },
};
