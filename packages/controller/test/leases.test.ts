import { keys, ManualClock, MemoryStore, StoreError } from "@onehop/store";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Claim } from "../src/claim.ts";
import { REPORT_TTL_S, ReportWriter } from "../src/realise/report_writer.ts";

let clock: ManualClock;
let store: MemoryStore;
beforeEach(() => {
  clock = new ManualClock();
  store = new MemoryStore({ clock });
});
afterEach(() => store.close());

const CLAIM = keys.claim("region");

function claimant(name: string) {
  const epochs: (number | undefined)[] = [];
  const stopping = new AbortController();
  const claim = new Claim({ store, clock, shard: "region", name, onChange: (epoch) => epochs.push(epoch) });
  const ended = claim.run(stopping.signal);
  const stop = () => {
    stopping.abort();
    return ended;
  };
  return { claim, epochs, stop };
}

describe("a claim", () => {
  it("is kept for as long as its owner lives", async () => {
    const one = claimant("c1");
    await clock.advance(60_000);
    expect(one.epochs).toHaveLength(1);
    expect((await store.get(CLAIM))?.value).toBe("c1");
    await one.stop();
    expect(await store.get(CLAIM)).toBeUndefined();
  });

  it("that somebody took away is given up, and got again with a higher epoch", async () => {
    const one = claimant("c1");
    await clock.advance(100);
    await store.txn({ compare: [], then: [{ delete: CLAIM }] });
    await clock.advance(5000);
    const [first, lost, second] = one.epochs;
    expect(lost).toBeUndefined();
    expect(second).toBeGreaterThan(first!);
    await one.stop();
  });

  it("of a controller that died is free when its lease has ended, not before", async () => {
    const lease = await store.grantLease(3);
    await store.txn({ compare: [], then: [{ put: CLAIM, value: "dead", lease }] });
    const two = claimant("c2");
    await clock.advance(2900);
    expect(two.claim.epoch).toBeUndefined();
    await clock.advance(500);
    expect(two.claim.epoch).toBeGreaterThan(0);
    await two.stop();
  });
});

describe("a host's report", () => {
  const report = (hash: string) => ({
    type: "report" as const,
    applied: [{ id: "hosts" as const, epoch: 1, generation: 1, hash }],
    degraded: [],
  });
  const stored = async () => (await store.get(keys.report("h1")))?.value;
  const writer = (create_revision: number) =>
    new ReportWriter({ store, clock, hostId: "h1", guard: () => ({ key: CLAIM, create_revision }) });
  const claimed = async () => (await store.txn({ compare: [], then: [{ put: CLAIM, value: "c1" }] })).revision;

  it("stays while its stream lasts and ends with its lease when that is over", async () => {
    const reports = writer(await claimed());
    reports.put(report("a"));
    await clock.advance(60_000);
    expect(await stored()).toContain('"hash":"a"');
    reports.close();
    await clock.advance(REPORT_TTL_S * 500);
    expect(await stored()).toBeDefined();
    await clock.advance(REPORT_TTL_S * 1000);
    expect(await stored()).toBeUndefined();
  });

  it("of which many come at once is written twice: the first and the last", async () => {
    const reports = writer(await claimed());
    const before = (await store.range({ prefix: keys.reports })).revision;
    for (let n = 0; n < 100; n++) reports.put(report(`r${n}`));
    await clock.advance(1000);
    expect(await stored()).toContain('"hash":"r99"');
    expect((await store.range({ prefix: keys.reports })).revision).toBe(before + 2);
    reports.close();
  });

  it("of a controller that lost its claim is not written", async () => {
    const reports = writer((await claimed()) + 7);
    reports.put(report("a"));
    await clock.advance(5000);
    expect(await stored()).toBeUndefined();
    reports.close();
  });

  it("stays, too, where the store was once not there to keep its lease alive", async () => {
    const reports = writer(await claimed());
    reports.put(report("a"));
    await clock.advance(100);
    vi.spyOn(store, "keepAlive").mockRejectedValueOnce(new StoreError("unavailable", "The store does not answer."));
    for (let s = 0; s < 3 * REPORT_TTL_S; s++) {
      await clock.advance(1000);
      expect(await stored()).toContain('"hash":"a"');
    }
    reports.close();
  });

  it("whose lease ended while the store was away is written again, under a new one", async () => {
    const grants = vi.spyOn(store, "grantLease");
    const reports = writer(await claimed());
    reports.put(report("a"));
    await clock.advance(100);
    await store.revokeLease(await (grants.mock.results[0]?.value as Promise<string>));
    expect(await stored()).toBeUndefined();
    await clock.advance(REPORT_TTL_S * 1000);
    expect(await stored()).toContain('"hash":"a"');
    reports.close();
  });
});
