import { keys, ManualClock, MemoryStore, StoreError } from "@onehop/store";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Said } from "../src/publish/session.ts";
import { REPORT_TTL_S, ReportWriter } from "../src/realise/report_writer.ts";

let clock: ManualClock;
let store: MemoryStore;
let stopping: AbortController;
beforeEach(async () => {
  clock = new ManualClock();
  store = new MemoryStore({ clock });
  stopping = new AbortController();
  await store.txn({ compare: [], then: ["h1", "h2"].map((id) => ({ put: keys.object("hosts", id), value: "{}" })) });
});
afterEach(() => {
  stopping.abort();
  return store.close();
});

const CLAIM = keys.claim("host/h1");
const HOST = keys.object("hosts", "h1");
function report(hash: string): Said {
  const held = { id: "hosts", epoch: 1, generation: 1, hash } as const;
  return { report: { type: "report", applied: [held], degraded: [] }, applied: new Map([[held.id, held]]) };
}
const stored = async (host = "h1") => (await store.get(keys.report(host)))?.value;
const claimed = async () => (await store.txn({ compare: [], then: [{ put: CLAIM, value: "c1" }] })).revision;

/** Of a controller that believes to own h1 by this revision, and nothing else; h1 has a stream to it. */
function writer(mod_revision: number | undefined): ReportWriter {
  const { signal } = stopping;
  const guard = (host: string) =>
    mod_revision === undefined || host !== "h1" ? undefined : { key: CLAIM, mod_revision };
  const made = new ReportWriter({ store, clock, signal, guard });
  made.opened("h1");
  return made;
}

describe("a host's report", () => {
  it("stays while its stream lasts, and goes a while after that is over", async () => {
    const reports = writer(await claimed());
    reports.put("h1", report("a"));
    await clock.advance(60_000);
    expect(await stored()).toContain('"hash":"a"');
    reports.closed("h1");
    await clock.advance(REPORT_TTL_S * 500);
    expect(await stored()).toBeDefined();
    await clock.advance(REPORT_TTL_S * 1000);
    expect(await stored()).toBeUndefined();
  });

  it("stays where a new stream comes in time", async () => {
    const reports = writer(await claimed());
    reports.put("h1", report("a"));
    await clock.advance(100);
    reports.closed("h1");
    await clock.advance(REPORT_TTL_S * 900);
    reports.opened("h1");
    await clock.advance(REPORT_TTL_S * 5000);
    expect(await stored()).toBeDefined();
  });

  it("is not written of a host that was removed: nobody would ever take it away", async () => {
    const reports = writer(await claimed());
    await store.txn({ compare: [], then: [{ delete: HOST }] });
    reports.put("h1", report("a"));
    await clock.advance(1000);
    expect(await stored()).toBeUndefined();
  });

  it("goes with its controller, whose lease ends", async () => {
    const reports = writer(await claimed());
    reports.put("h1", report("a"));
    await clock.advance(100);
    stopping.abort();
    await clock.advance(REPORT_TTL_S * 1100);
    expect(await stored()).toBeUndefined();
  });

  it("of which many come at once is written twice: the first and the last", async () => {
    const reports = writer(await claimed());
    const before = (await store.range({ prefix: keys.reports })).revision;
    for (let n = 0; n < 100; n++) reports.put("h1", report(`r${n}`));
    await clock.advance(5_100);
    expect(await stored()).toContain('"hash":"r99"');
    expect((await store.range({ prefix: keys.reports })).revision).toBeLessThanOrEqual(before + 2);
  });

  it("of a controller that lost its claim is not written, and holds up no other host's", async () => {
    const revision = await claimed();
    const other = keys.claim("host/h2");
    const { revision: second } = await store.txn({ compare: [], then: [{ put: other, value: "c1" }] });
    const guard = (host: string) =>
      host === "h1" ? { key: CLAIM, mod_revision: revision - 1 } : { key: other, mod_revision: second };
    const reports = new ReportWriter({ store, clock, signal: stopping.signal, guard });
    for (const host of ["h1", "h2"]) reports.put(host, report("a"));
    await clock.advance(5000);
    expect(await stored()).toBeUndefined();
    expect(await stored("h2")).toBeDefined();
  });

  it("of a host that is owned elsewhere is written once it is owned here", async () => {
    const { signal } = stopping;
    let mod_revision: number | undefined;
    const guard = () => (mod_revision === undefined ? undefined : { key: CLAIM, mod_revision });
    const reports = new ReportWriter({ store, clock, signal, guard });
    reports.put("h1", report("a"));
    await clock.advance(1000);
    expect(await stored()).toBeUndefined();
    mod_revision = await claimed();
    reports.gained(["h1"]);
    await clock.advance(1100);
    expect(await stored()).toContain('"hash":"a"');
  });

  it("stays, too, where the store was once not there to keep its lease alive", async () => {
    const reports = writer(await claimed());
    reports.put("h1", report("a"));
    await clock.advance(100);
    vi.spyOn(store, "keepAlive").mockRejectedValueOnce(new StoreError("unavailable", "The store does not answer."));
    for (let s = 0; s < 3 * REPORT_TTL_S; s++) {
      await clock.advance(1000);
      expect(await stored()).toContain('"hash":"a"');
    }
  });

  it("whose lease ended while the store was away is written again, under a new one", async () => {
    const grants = vi.spyOn(store, "grantLease");
    const reports = writer(await claimed());
    reports.put("h1", report("a"));
    await clock.advance(100);
    await store.revokeLease(await (grants.mock.results[0]?.value as Promise<string>));
    expect(await stored()).toBeUndefined();
    await clock.advance(REPORT_TTL_S * 1000);
    expect(await stored()).toContain('"hash":"a"');
  });
});
