import { readFile } from "node:fs/promises";
import { packet } from "@onehop/core";
import { VECTOR_KEY, VECTORS } from "@onehop/core/packet/learning.vectors";
import { expect, test } from "vitest";
import { B, LearningWorld, message, messageIn, portId } from "./world.ts";

const DOCS = new URL("../../../../docs/learning.md", import.meta.url);

/** The bytes below each bold name. */
function vectorsIn(text: string): Record<string, string> {
  const found = text.matchAll(/^\*\*(\w+)\*\*\. .*\n\n```\n([\da-f\n]+)```$/gm);
  return Object.fromEntries([...found].map((m) => [m[1]!, m[2]!.replaceAll("\n", "")]));
}

test("Q34: the vectors in the docs are what the codec writes", async () => {
  const bytes = (m: packet.LearningMessage) => packet.hex(packet.encodeMessage(m, VECTOR_KEY).subarray(0, 88));
  const written = Object.fromEntries(Object.entries(VECTORS).map(([name, m]) => [name, bytes(m)]));
  expect(vectorsIn(await readFile(DOCS, "utf8"))).toEqual(written);
});

test("the programs answer the questions among them", () => {
  const w = new LearningWorld([1, 2]);
  try {
    const ask = (name: string) => w.at(2).receive(message(1, 2, packet.encodeMessage(VECTORS[name]!, VECTOR_KEY)));
    const { nonce } = VECTORS.ask!;
    expect(messageIn(ask("ask").frame)).toMatchObject({ kind: "teach", teller: 2, nonce, port: portId(B) });
    expect(messageIn(ask("refresh").frame)).toMatchObject({ kind: "teach", teller: 2, nonce, port: portId(B) });
    expect(messageIn(ask("probe").frame)).toMatchObject({ kind: "teach", teller: 2, nonce, address: undefined });
  } finally {
    w.close();
  }
});
