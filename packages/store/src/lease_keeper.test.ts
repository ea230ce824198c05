import { expect, it } from "vitest";
import { ManualClock } from "./clock.ts";
import { keepLease } from "./lease_keeper.ts";
import { MemoryStore } from "./memory/memory_store.ts";
import { StoreError } from "./store.ts";

async function world() {
  const clock = new ManualClock();
  const store = new MemoryStore({ clock });
  const kept = await keepLease(store, 3, clock);
  await store.txn({ compare: [], then: [{ put: "/a", value: "", lease: kept.lease }] });
  return { clock, store, kept };
}
const away = async () => {
  throw new StoreError("unavailable", "away");
};

it("a kept lease lasts as long as it is kept, and its keys go when it is stopped", async () => {
  const { clock, store, kept } = await world();
  await clock.advance(60_000);
  expect(await store.get("/a")).toBeDefined();
  await kept.stop();
  expect(await store.get("/a")).toBeUndefined();
  await clock.advance(60_000);
  expect(kept.lost.aborted).toBe(false);
});

it("a lease that the store has ended is told as lost at the next beat", async () => {
  const { clock, store, kept } = await world();
  await store.revokeLease(kept.lease);
  await clock.advance(1_000);
  expect(kept.lost.reason).toMatchObject({ message: `Lease ${kept.lease} has ended.` });
});

it("a lease outlives a store that is away for most of its time", async () => {
  const { clock, store, kept } = await world();
  store.keepAlive = away;
  await clock.advance(2_700);
  Reflect.deleteProperty(store, "keepAlive");
  await clock.advance(60_000);
  expect(kept.lost.aborted).toBe(false);
});

it("a lease is lost, to its keeper, no later than in the store", async () => {
  const { clock, store, kept } = await world();
  store.keepAlive = away;
  await clock.advance(2_999);
  expect([kept.lost.aborted, (await store.get("/a")) === undefined]).toEqual([false, false]);
  await clock.advance(1);
  expect([kept.lost.aborted, (await store.get("/a")) === undefined]).toEqual([true, true]);
});

it("an answer that never comes does not keep a lease", async () => {
  const { clock, store, kept } = await world();
  store.keepAlive = () => new Promise(() => {});
  await clock.advance(3_000);
  expect(kept.lost.aborted).toBe(true);
});
