import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { EtcdStore, openStore, type Store, startEtcd } from "@onehop/store";
import { type EtcdCluster, startEtcdCluster } from "@onehop/testkit/etcd_cluster";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { conformance } from "../../packages/store/test/conformance.ts";
import { collect, put, space } from "../../packages/store/test/helpers.ts";
import { spread } from "./spread.ts";
import { Wire } from "./wire.ts";

/** Every third connection is slow, so that answers come in another order than they were given. */
const delayOf = (n: number) => [0, 3, 1][n % 3]!;

/** Connections last longer than etcd takes to tell a quiet watcher how far it is. */
const CUT_MS = 1000;
/** A connection that broke is known to have. */
const SETTLE_MS = 30;

/** Breaks connections again and again, while no write is on its way: what becomes of those is tested below. */
function harass(store: Store, wires: readonly Wire[]): Store {
  let writes = 0;
  let calm = Promise.resolve();
  const timer = setInterval(() => {
    if (writes > 0) return;
    for (const wire of wires) wire.cut();
    calm = new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
  }, CUT_MS);
  const txn: Store["txn"] = async (one) => {
    await calm;
    writes++;
    try {
      return await store.txn(one);
    } finally {
      writes--;
    }
  };
  const close = async () => {
    clearInterval(timer);
    await store.close();
  };
  return { ...store, txn, close };
}

const portOf = (url: string): number => Number(new URL(url).port);

conformance("the store in one etcd, over wires that delay, reorder and break", async () => {
  const dataDir = await mkdtemp(join(tmpdir(), "onehop-wire-"));
  const etcd = await startEtcd({ dataDir, unsafeNoFsync: true });
  const wire = await Wire.to(etcd.url.slice("etcd:unix:".length), { delayOf });
  const stores = [0, 1, 2].map(() => openStore(`etcd:http://127.0.0.1:${wire.port}`));
  const store = harass(spread(stores), [wire]);
  const close = async () => {
    await store.close();
    await wire.close();
    await etcd.stop();
    await rm(dataDir, { recursive: true, force: true });
  };
  return { store, leasesEnd: async () => {}, close };
});

conformance("the store in three members with TLS, over wires that delay, reorder and break", async () => {
  const cluster = await startEtcdCluster();
  const wires = await Promise.all(cluster.members.map((m) => Wire.to(portOf(m.clientUrl), { delayOf })));
  const { tls } = cluster;
  const stores = wires.map((wire) => openStore(`etcd:https://127.0.0.1:${wire.port}`, { tls }));
  const store = harass(spread(stores), wires);
  const close = async () => {
    await store.close();
    await Promise.all(wires.map((wire) => wire.close()));
    await cluster.stop();
  };
  return { store, leasesEnd: async () => {}, close };
});

describe("writes over a wire that breaks", () => {
  let cluster: EtcdCluster;
  let wire: Wire;
  let store: Store;
  beforeAll(async () => {
    cluster = await startEtcdCluster();
    wire = await Wire.to(portOf(cluster.members[0]!.clientUrl));
    store = new EtcdStore(`https://127.0.0.1:${wire.port}`, { tls: cluster.tls });
  });
  afterAll(async () => {
    await store.close();
    await wire.close();
    await cluster.stop();
  });
  const outcome = (promise: Promise<{ ok: boolean }>) =>
    promise.then(
      ({ ok }) => (ok ? "done" : "not done"),
      (error: { code: string }) => error.code,
    );

  it("are done once or not at all, whatever is told, and told unavailable where that is not known", async () => {
    const p = space();
    const writes = Array.from({ length: 300 }, (_, i) => i);
    const cuts = setInterval(() => wire.cut(), 90);
    const told = await Promise.all(
      writes.map(async (i) => {
        await new Promise((resolve) => setTimeout(resolve, i * 4));
        const then = ["a", "b"].map((half) => ({ put: `${p}${i}/${half}`, value: "x".repeat(5000) }));
        return outcome(store.txn({ compare: [{ absent: `${p}${i}/a` }], then }));
      }),
    );
    clearInterval(cuts);
    const { entries } = await cluster.store.range({ prefix: p });
    const halves = (i: number) => entries.filter((e) => e.key.startsWith(`${p}${i}/`));
    for (const i of writes) {
      const there = halves(i);
      expect(["done", "unavailable"]).toContain(told[i]);
      expect(there.length === 0 || there.length === 2).toBe(true);
      if (told[i] === "done") expect(there).toHaveLength(2);
      expect(new Set(there.map((e) => `${e.create_revision} ${e.mod_revision}`)).size).toBe(there.length / 2);
    }
    expect(told).toContain("unavailable");
    expect(told).toContain("done");
  });

  it("whose answer is lost are done, and unknown to who asked, who may ask again by the same compare", async () => {
    const p = space();
    await put(store, `${p}warm`, "");
    for (let i = 0; i < 10; i++) {
      const write = { compare: [{ absent: `${p}${i}` }], then: [{ put: `${p}${i}`, value: "first" }] };
      wire.loseNextAnswer();
      expect(await outcome(store.txn(write))).toBe("unavailable");
      await expect.poll(async () => (await cluster.store.get(`${p}${i}`))?.value).toBe("first");
      expect(await outcome(store.txn(write))).toBe("not done");
    }
  });

  it("and reads are told unavailable where the wire hangs, or is half open, and go on after it", async () => {
    const p = space();
    for (const spoil of [() => wire.stall(), () => wire.loseAnswers()]) {
      await put(store, `${p}a`, "1");
      spoil();
      const told = await Promise.all([
        outcome(put(store, `${p}b`, "").then(() => ({ ok: true }))),
        outcome(store.get(`${p}a`).then(() => ({ ok: true }))),
      ]);
      expect(told).toEqual(["unavailable", "unavailable"]);
      wire.flow();
      wire.heal();
      await expect
        .poll(() => outcome(put(store, `${p}c`, "").then(() => ({ ok: true }))), { timeout: 10_000 })
        .toBe("done");
    }
  });

  it("are told to a watcher once and in order, whatever breaks between", async () => {
    const p = space();
    const before = await put(cluster.store, `${p}first`, "");
    const watched = collect(store, { p, after: before }, (seen) => seen.length >= 200);
    for (let i = 0; i < 200; i++) {
      await put(cluster.store, `${p}${i}`, "");
      if (i % 20 === 19) wire.cut();
      if (i % 50 === 25) wire.stall();
      if (i % 50 === 35) wire.flow();
    }
    wire.flow();
    expect((await watched).seen.map((c) => c.key)).toEqual(Array.from({ length: 200 }, (_, i) => `${p}${i}`));
  });
});
