import { OnehopError } from "@onehop/core";
import { keys, MemoryStore } from "@onehop/store";
import { beforeEach, describe, expect, it } from "vitest";
import { indexed, Plans } from "../src/compile/index.ts";
import { Facts } from "../src/learning/facts.ts";
import { firstKey, makeMissingKeys, parseKey, rotateKey } from "../src/learning/keys.ts";
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
const rotate = () => rotateKey(vpc.id, { store, plans, reports, random });
/** The host says that it has what is planned now. */
function report(hostId: string): void {
  const applied = plans.hostSlice(hostId)!.slices.map((id) => {
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
  await makeMissingKeys(store, view, random);
  await follow();
  for (const host of [h1, h2]) report(host.id);
});

describe("the key of a VPC", () => {
  it("is made where it is missing, 128 random bits, another for each VPC, and never anew", async () => {
    const { entries } = await store.range({ prefix: keys.vpcKeys });
    const made = entries.map((e) => parseKey(e.value)!);
    expect(made.map((k) => k.version)).toEqual([1, 1]);
    expect(new Set(made.map((k) => k.current)).size).toBe(2);
    await makeMissingKeys(store, indexed({ ...intent, hosts }, facts), random);
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

  it("is none where what is stored is none", () => {
    for (const text of ["", "{}", "null", "1", '{"version":1,"current":"xyz"}', '{"version":0.5}'])
      expect(parseKey(text)).toBeUndefined();
    expect(parseKey(firstKey(random))?.version).toBe(1);
  });
});
