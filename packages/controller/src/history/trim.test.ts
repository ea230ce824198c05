import { keys, MemoryStore, type Store, StoreError } from "@onehop/store";
import { beforeEach, expect, it } from "vitest";
import type { Note } from "./record.ts";
import { type End, type Kept, Trimmer } from "./trim.ts";

const KEPT: Kept = { records: 5, slack: 2, ended: 3, endedMs: 1000 };
const DAY_ONE = Date.UTC(2026, 0, 1);
let store: Store;
let trimmer: Trimmer;

beforeEach(() => {
  store = new MemoryStore();
  trimmer = new Trimmer(store, KEPT);
});

let stamps = 0;
async function record(vpcId = "v", by = trimmer): Promise<void> {
  await store.txn({ compare: [], then: [{ put: keys.history(vpcId, `${1000 - stamps++}`), value: "{}" }] });
  await by.recorded([vpcId]);
}
const count = async (vpcId = "v"): Promise<number> =>
  (await store.range({ prefix: keys.historyOf(vpcId) })).entries.length;

it("A history never has more than its limit and some slack, and loses its oldest records, whatever their keys.", async () => {
  for (let i = 0; i < 40; i++) {
    await record();
    expect(await count()).toBeLessThanOrEqual(KEPT.records + KEPT.slack);
  }
  const { entries } = await store.range({ prefix: keys.historyOf("v") });
  const revisions = entries.map((e) => e.mod_revision);
  expect(Math.max(...revisions) - Math.min(...revisions)).toBeLessThan(10);
});

it("A process that starts anew counts what is there.", async () => {
  for (let i = 0; i < 12; i++) await record("v", new Trimmer(store, KEPT));
  expect(await count()).toBe(KEPT.records);
});

it("A long history is trimmed in transactions that the store can take.", async () => {
  for (let i = 0; i < 300; i++)
    await store.txn({ compare: [], then: [{ put: keys.history("v", String(i)), value: "{}" }] });
  await trimmer.recorded(["v"]);
  expect(await count()).toBe(KEPT.records);
});

it("What the store does not take now is trimmed later, and fails nobody.", async () => {
  const broken: Store = Object.create(store, {
    range: { value: () => Promise.reject(new StoreError("unavailable", "away")) },
  });
  await new Trimmer(broken, KEPT).recorded(["v"]);
});

/** The end of a VPC, as the transaction that deletes it writes it. */
async function end(vpcId: string, ms: number): Promise<void> {
  const deleted_at = new Date(DAY_ONE + ms).toISOString();
  const value: End = { name: vpcId, project_id: "p", deleted_at };
  await store.txn({ compare: [], then: [{ put: keys.historyEnd(vpcId), value: JSON.stringify(value) }] });
  const before = { id: vpcId, name: vpcId, labels: {}, created_at: "", updated_at: "" };
  const note: Note = { vpcId, stamp: "", change: { at: deleted_at, who: "root", kind: "vpc", id: vpcId, before } };
  await trimmer.written([note]);
}

it("Histories of deleted VPCs are kept for a while, and the latest few only.", async () => {
  for (const id of ["a", "b", "c", "d"]) await record(id);
  await end("a", 0);
  await end("b", 900);
  expect([await count("a"), await count("b")]).toEqual([1, 1]);
  await end("c", 1100);
  expect([await count("a"), await count("b"), await count("c")]).toEqual([0, 1, 1]);
  expect(await store.get(keys.historyEnd("a"))).toBeUndefined();
  for (const id of ["d", "e", "f"]) await end(id, 1200);
  expect([await count("b"), await count("c"), await count("d")]).toEqual([0, 0, 1]);
});

it("A VPC that has come back keeps its history.", async () => {
  await record("a");
  await end("a", 0);
  await store.txn({ compare: [], then: [{ put: keys.object("vpcs", "a"), value: "{}" }] });
  await end("b", 5000);
  expect(await count("a")).toBe(1);
});
