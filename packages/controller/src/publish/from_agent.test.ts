import { expect, it } from "vitest";
import { parseFromAgent } from "./from_agent.ts";

const held = { id: "hosts", epoch: 1, generation: 2, hash: "x" };

it.each([
  { type: "hello", version: 1, host: "h1", have: [held] },
  { type: "report", applied: [held], degraded: [{ port_id: "p", reason: "It is not there." }] },
  { type: "answer", id: 1, result: { any: "thing" } },
  { type: "answer", id: 1, error: "no" },
  { type: "watched", id: 1, packets: [], lost: 0, end: "seconds" },
])("A frame that an agent sends is taken: %j.", (frame) => {
  expect(parseFromAgent(JSON.stringify(frame))).toEqual(frame);
});

it.each([
  "",
  "null",
  "[]",
  '{"type":"hello"}',
  '{"type":"hello","version":1,"host":5,"have":[]}',
  '{"type":"hello","version":1,"host":"h1","have":[null]}',
  '{"type":"report","applied":[null],"degraded":[]}',
  '{"type":"report","applied":[],"degraded":{}}',
  '{"type":"answer","id":"1"}',
  '{"type":"watched","id":1,"packets":[null],"lost":0}',
  '{"type":"slice","id":"hosts"}',
])("A frame that no agent sends is not: %s.", (text) => {
  expect(parseFromAgent(text)).toBeUndefined();
});
