import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, expect, it, vi } from "vitest";
import { EtcdStore } from "../src/etcd/etcd_store.ts";
import { type EtcdProcess, type EtcdProcessOptions, openStore, startEtcd, systemClock } from "../src/index.ts";
import { conformance } from "./conformance.ts";
import { collect, put } from "./helpers.ts";
import { proxyTo } from "./proxy.ts";

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean();
});

async function folder() {
  const dataDir = await mkdtemp(path.join(tmpdir(), "onehop-store-"));
  return { dataDir, remove: () => rm(dataDir, { recursive: true, force: true }) };
}

conformance("the store in etcd", async () => {
  const { dataDir, remove } = await folder();
  const etcd = await startEtcd({ dataDir, unsafeNoFsync: true });
  const store = openStore(etcd.url);
  const close = async () => {
    await store.close();
    await etcd.stop();
    await remove();
  };
  return { store, leasesEnd: async () => {}, close };
});

async function world(more: Partial<EtcdProcessOptions> = {}) {
  const { dataDir, remove } = await folder();
  const start = () => startEtcd({ dataDir, unsafeNoFsync: true, ...more });
  let etcd: EtcdProcess = await start();
  const store = openStore(etcd.url);
  cleanups.push(
    remove,
    () => etcd.stop(),
    () => store.close(),
  );
  const restart = async () => {
    await etcd.stop();
    etcd = await start();
  };
  const kill = async () => {
    process.kill(etcd.pid, "SIGKILL");
    await etcd.exited;
  };
  return { dataDir, store, restart, kill, start, etcd: () => etcd };
}

it("a watch goes on over restarts of etcd without a loss or a repetition", async () => {
  const { store, restart } = await world();
  const before = await put(store, "/p/first", "");
  const told: string[] = [];
  const watched = collect(store, { p: "/p/", after: before }, (seen) => {
    told.splice(0, told.length, ...seen.map((c) => c.key));
    return told.includes("/p/end");
  });
  const expected: string[] = [];
  for (let round = 0; round < 3; round++) {
    for (let i = 0; i < 10; i++) {
      expected.push(`/p/${round}-${i}`);
      await put(store, `/p/${round}-${i}`, "");
      // The watch has begun before the restart, and in the last round is behind when it comes.
      if (round < 2) await vi.waitFor(() => expect(told).toEqual(expected), { timeout: 10_000, interval: 5 });
    }
    await restart();
  }
  await put(store, "/p/end", "");
  const { batches } = await watched;
  expect(told).toEqual([...expected, "/p/end"]);
  const revisions = batches.map((b) => b.revision);
  expect(revisions).toEqual(revisions.toSorted((a, b) => a - b));
});

it("a watch that was cut off past a compaction ends with compacted, not with a gap", async () => {
  const { store, restart, etcd } = await world();
  const before = await put(store, "/p/a", "");
  const end = new AbortController();
  const watch = store.watch("/p/", before, end.signal)[Symbol.asyncIterator]();
  await put(store, "/p/b", "");
  expect((await watch.next()).value?.changes.length).toBe(1);
  // While the reader does not read, the connection breaks and the history goes on without it.
  await restart();
  const other = openStore(etcd().url);
  cleanups.push(() => other.close());
  for (let i = 0; i < 5; i++) await put(other, "/p/c", String(i));
  const last = await put(other, "/p/d", "");
  await other.compact(last);
  const rest = async () => {
    for (let next = await watch.next(); !next.done; next = await watch.next());
  };
  await expect(rest()).rejects.toMatchObject({ code: "compacted", revision: last });
});

it("a store that is away is unavailable, and there again after its restart", async () => {
  const { store, kill, restart, etcd } = await world();
  await put(store, "/a", "kept");
  await kill();
  const impatient = new EtcdStore(etcd().url.slice("etcd:".length), { deadlineMs: 100 });
  cleanups.push(() => impatient.close());
  await expect(impatient.get("/a")).rejects.toMatchObject({ name: "StoreError", code: "unavailable" });
  await expect(put(impatient, "/b", "")).rejects.toMatchObject({ code: "unavailable" });
  await expect(impatient.grantLease(5)).rejects.toMatchObject({ code: "unavailable" });
  await expect(impatient.keepAlive("1")).rejects.toMatchObject({ code: "unavailable" });
  await restart();
  expect((await store.get("/a"))?.value).toBe("kept");
});

it("a call waits for a store that is starting", async () => {
  const { store, kill, restart } = await world();
  await kill();
  const read = store.get("/a");
  await restart();
  expect(await read).toBeUndefined();
});

it("a watch goes on over broken connections without a loss or a repetition", async () => {
  const { etcd } = await world();
  const proxy = await proxyTo(etcd().url.slice("etcd:unix:".length));
  const store = openStore(`etcd:${proxy.address}`);
  cleanups.push(
    () => proxy.close(),
    () => store.close(),
  );
  const direct = openStore(etcd().url);
  cleanups.push(() => direct.close());
  const before = await put(direct, "/p/first", "");
  const watched = collect(store, { p: "/p/", after: before }, (seen) => seen.length >= 300);
  for (let i = 0; i < 300; i++) {
    await put(direct, `/p/${i}`, "");
    if (i % 30 === 29) proxy.cut();
  }
  expect((await watched).seen.map((c) => c.key)).toEqual(Array.from({ length: 300 }, (_, i) => `/p/${i}`));
});

it("a list of addresses works while one of them answers", async () => {
  const { etcd } = await world();
  const proxy = await proxyTo(etcd().url.slice("etcd:unix:".length));
  const store = openStore(`etcd:http://127.0.0.1:1,${proxy.address}`);
  cleanups.push(
    () => proxy.close(),
    () => store.close(),
  );
  await put(store, "/a", "1");
  expect((await store.get("/a"))?.value).toBe("1");
});

it("a store's address that is none is refused with what one looks like", () => {
  for (const url of ["redis:", "etcd:tcp://x", "etcd:http://a:1,http://b:1", "etcd:"])
    expect(() => openStore(url)).toThrow(RangeError);
});

it("a full store refuses writes with no_space and goes on reading", async () => {
  const { store } = await world({ quotaBytes: 4_000_000 });
  await put(store, "/first", "kept");
  const fill = async () => {
    for (let i = 0; i < 20; i++) await put(store, `/fill/${i}`, "x".repeat(1_000_000));
  };
  await expect(fill()).rejects.toMatchObject({ name: "StoreError", code: "no_space" });
  expect((await store.get("/first"))?.value).toBe("kept");
});

it("an etcd whose data folder a living process uses is refused, and says which", async () => {
  const { start } = await world();
  await expect(start()).rejects.toThrow(`is in use by process ${process.pid}.`);
});

it("an etcd that cannot start tells why", async () => {
  const { dataDir, remove } = await folder();
  cleanups.push(remove);
  await expect(startEtcd({ dataDir, quotaBytes: Number.NaN })).rejects.toThrow(
    /^etcd did not start: it ended at once\. .*NaN/,
  );
  await expect(startEtcd({ dataDir: `/tmp/${"x".repeat(120)}` })).rejects.toThrow("too long a path");
});

it("the system clock fires and can be cancelled", async () => {
  await new Promise<void>((resolve) => {
    systemClock.after(1, () => expect.unreachable("was cancelled"))();
    systemClock.after(2, resolve);
  });
});
