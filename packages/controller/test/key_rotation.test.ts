import { OnehopError } from "@onehop/core";
import { keys, MemoryStore } from "@onehop/store";
import { beforeEach, describe, expect, it } from "vitest";
import { indexed, Plans } from "../src/compile/index.ts";
import { Facts } from "../src/learning/facts.ts";
import { firstKey, makeMissingKey, parseKey, rotateKey, setStage } from "../src/learning/keys.ts";
import { Reports } from "../src/realise/reports.ts";
import { seeded } from "./api/fixture.ts";
import { BASE } from "./states.ts";

const { h1, h2, vpc, intent } = BASE;
const hosts = new Map(intent.hosts);
for (const host of [h1, h2]) hosts.set(host.id, { ...host, roles: ["compute", "hub"] });

let store: MemoryStore;
let facts: Facts;
let reports: Reports;
let plans: Plans;
const random = seeded("keys");

/** What the store has of keys is followed. */
async function follow(): Promise<void> {
  const { entries } = await store.range({ prefix: keys.vpcKeys });
  plans.followKeys(facts.listKeys(entries));
}
const rotate = () => rotateKey(vpc.id, { store, plans, reports, random, known: facts.storedKey(vpc.id) });
/** The host says that it has what is planned now. */
function report(hostId: string): void {
  const applied = [...plans.wantedBy(hostId)].map((id) => {
    const { generation, hash } = plans.slice(id)!;
    return { id, epoch: 1, generation, hash };
  });
  reports.apply(keys.report(hostId), JSON.stringify({ type: "report", applied, degraded: [], whole: true }));
}
const refusal = (promise: Promise<unknown>) =>
  promise.then(
    () => "none",
    (error: unknown) => (error instanceof OnehopError ? error.detail.code : String(error)),
  );

beforeEach(async () => {
  store = new MemoryStore();
  reports = new Reports();
  facts = new Facts(reports);
  const view = indexed({ ...intent, hosts }, facts);
  plans = new Plans(view);
  for (const { id } of intent.vpcs.values())
    await store.txn({ compare: [], then: [{ put: keys.object("vpcs", id), value: "{}" }] });
  for (const { id } of intent.vpcs.values()) {
    await makeMissingKey(store, id, random);
    await setStage(store, id, "learned");
  }
  await follow();
  for (const host of [h1, h2]) report(host.id);
});

describe("the key of a VPC", () => {
  it("is made where it is missing, 128 random bits, another for each VPC, and never anew", async () => {
    const { entries } = await store.range({ prefix: keys.vpcKeys });
    const made = entries.map((e) => parseKey(e.value)!);
    expect(made.map((k) => k.version)).toEqual([1, 1]);
    expect(new Set(made.map((k) => k.current)).size).toBe(2);
    await makeMissingKey(store, vpc.id, random);
    expect((await store.range({ prefix: keys.vpcKeys })).entries).toEqual(entries);
  });

  it("is rotated when every live host has it; the one before is still accepted", async () => {
    const before = facts.keyOf(vpc.id)!;
    expect(await rotate()).toBe(2);
    await follow();
    const slice = plans.slice(`vpc/${vpc.id}`)?.body;
    expect(slice?.type === "vpc" && slice.learning?.key).toMatchObject({ version: 2, former: before.current });
  });

  it("is not rotated again before every live host has reported it", async () => {
    await rotate();
    expect(await refusal(rotate())).toBe("key_not_everywhere");
    await follow();
    report(h1.id);
    expect(await refusal(rotate())).toBe("key_not_everywhere");
    report(h2.id);
    expect(await rotate()).toBe(3);
  });

  it("does not wait for a host that is dead", async () => {
    await rotate();
    await follow();
    report(h1.id);
    reports.apply(keys.report(h2.id), undefined);
    expect(await rotate()).toBe(3);
  });

  it("is not rotated past what a host answers with for guests that left it lately", async () => {
    await store.txn({ compare: [], then: [{ put: keys.keyLingerer(vpc.id, "gone"), value: "1" }] });
    expect(await rotate()).toBe(2);
    await follow();
    for (const host of [h1, h2]) report(host.id);
    expect(await refusal(rotate())).toBe("key_lingers");
    await store.txn({ compare: [], then: [{ delete: keys.keyLingerer(vpc.id, "gone") }] });
    expect(await rotate()).toBe(3);
  });

  it("that cannot be read is said in a sentence, hosts keep what they have, and a rotation mends it", async () => {
    const said: string[] = [];
    facts = new Facts(reports, (sentence) => said.push(sentence));
    plans = new Plans(indexed({ ...intent, hosts }, facts));
    await follow();
    const before = plans.slice(`vpc/${vpc.id}`);
    await store.txn({ compare: [], then: [{ put: keys.vpcKey(vpc.id), value: "{" }] });
    await follow();
    expect(said).toEqual([expect.stringContaining(`The stored key of VPC ${vpc.id} cannot be read`)]);
    expect(plans.slice(`vpc/${vpc.id}`)?.hash).toBe(before?.hash);
    expect(await rotate()).toBe(2);
    await follow();
    const slice = plans.slice(`vpc/${vpc.id}`)?.body;
    const had = before?.body.type === "vpc" ? before.body.learning?.key.current : "";
    expect(slice?.type === "vpc" && slice.learning?.key).toMatchObject({ version: 2, former: had });
  });

  it("keeps what a later version stored beside it, and tells hosts nothing of it", async () => {
    const key = { version: 7, current: "ab".repeat(16), stage: "learned", colour: "red" };
    await store.txn({ compare: [], then: [{ put: keys.vpcKey(vpc.id), value: JSON.stringify(key) }] });
    await follow();
    expect(facts.keyOf(vpc.id)).toEqual({ version: 7, current: key.current });
    for (const host of [h1, h2]) report(host.id);
    expect(await rotate()).toBe(8);
    expect(JSON.parse((await store.get(keys.vpcKey(vpc.id)))!.value)).toMatchObject({ version: 8, colour: "red" });
  });

  it("goes on where the VPC's former life ended, so that hosts do not take the old key for the new one", () => {
    expect(parseKey(firstKey(random, 4))).toMatchObject({ version: 5, stage: "learned" });
  });

  it("is none where what is stored is none", () => {
    for (const text of ["", "{}", "null", "1", '{"version":1,"current":"xyz"}', '{"version":0.5}'])
      expect(parseKey(text)).toBeUndefined();
    expect(parseKey(firstKey(random))?.version).toBe(1);
  });
});
