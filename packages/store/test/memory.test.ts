import { expect, it } from "vitest";
import { ManualClock } from "../src/clock.ts";
import { History } from "../src/memory/history.ts";
import { MemoryStore } from "../src/memory/memory_store.ts";
import { conformance } from "./conformance.ts";
import { collect, put } from "./helpers.ts";

conformance("the store in memory", async () => {
  const clock = new ManualClock();
  const store = new MemoryStore({ clock });
  return { store, leasesEnd: () => clock.advance(1_001), close: () => store.close() };
});

it("a store in memory that was closed answers unavailable and ends its watches", async () => {
  const store = new MemoryStore();
  const revision = await put(store, "/a", "");
  const watched = collect(store, { p: "/", after: revision }, () => false);
  await store.close();
  await expect(watched).rejects.toMatchObject({ code: "unavailable" });
  await expect(store.get("/a")).rejects.toMatchObject({ code: "unavailable" });
});

it("a store in memory keeps 100,000 keys in order", async () => {
  const store = new MemoryStore();
  const key = (i: number) => `/k/${String((i * 7919) % 100_000).padStart(6, "0")}`;
  for (let i = 0; i < 100_000; i += 100)
    await store.txn({ compare: [], then: Array.from({ length: 100 }, (_, j) => ({ put: key(i + j), value: "" })) });
  const { entries } = await store.range({ prefix: "/k/" });
  expect(entries.length).toBe(100_000);
  expect(entries.every((e, i) => e.key === `/k/${String(i).padStart(6, "0")}`)).toBe(true);
});

it("a compaction of the store in memory lets go of what nobody can read any more", async () => {
  const history = new History();
  for (let i = 0; i < 10; i++) history.commit([{ key: "/a", entry: entry("/a", i) }]);
  history.commit([{ key: "/b", entry: entry("/b", 0) }]);
  history.commit([{ key: "/b", entry: undefined }]);
  history.compact(history.revision);
  expect(history.versions).toBe(1);
  expect(history.at("/a")?.value).toBe("9");
});

const entry = (key: string, i: number) => ({ key, value: String(i), create_revision: 2, mod_revision: 2 + i });
