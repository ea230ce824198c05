import { idempotencyKey } from "@onehop/api";
import type { Store, Txn } from "@onehop/store";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { dump, MemoryStore, randomUUID, refusal, refused, type Served, serve, world } from "./fixture.ts";

let served: Served;
let w: Awaited<ReturnType<typeof world>>;
beforeEach(async () => {
  served = await serve();
  w = await world(served.root);
});
afterEach(() => served.close());

interface Result {
  readonly status: number;
  readonly object?: { id: string; addresses: string[]; revision: number; mac: string };
  readonly problem?: { code: string; detail: string };
}
const bulk = async (items: object[], key?: string) =>
  (
    (await served.root.request("POST", "/v1/ports:bulk", { items }, key ? idempotencyKey(key) : {})).body as {
      results: Result[];
    }
  ).results;
const loose = (count: number) => Array.from({ length: count }, () => ({ network_id: w.network.id }));

test("a thousand ports of several networks are created in groups of one transaction each", async () => {
  const networks = [w.network];
  for (let i = 0; i < 4; i++) networks.push(await served.root.create("networks", { vpc_id: w.vpc.id }));
  const items = Array.from({ length: 1000 }, (_, i) => ({
    name: `p${i}`,
    network_id: networks[i % 5]!.id,
    host_id: w.host.id,
  }));
  const results = await bulk(items);
  expect(results.every((r) => r.status === 201)).toBe(true);
  expect(new Set(results.map((r) => r.object!.revision)).size).toBeLessThan(60);
  expect(new Set(results.map((r) => `${r.object!.addresses}`)).size).toBe(1000);
  expect(await served.root.list("ports")).toHaveLength(1000);
  expect(await count(`quota/${w.project.id}/ports`)).toBe(1000);
  expect(await count(`quota/${w.network.id}/ports`)).toBe(200);
  for (const result of results.slice(0, 3))
    expect(await served.root.get("ports", result.object!.id)).toEqual(result.object);
});

const count = async (key: string): Promise<number> => Number((await served.store.get(`/onehop/v1/${key}`))?.value);

test("every wrong item is told by pointer, and nothing is stored", async () => {
  const items = [
    { network_id: w.network.id },
    { network_id: w.network.id, addresses: ["10.0.1.300"], mac: "x" },
    { netwrk_id: w.network.id },
  ];
  const shape = await refused(served, () => bulk(items), {
    status: 400,
    code: "invalid",
    pointer: "/items/1/addresses/0",
  });
  expect(shape.errors?.map((e) => e.pointer)).toEqual([
    "/items/1/addresses/0",
    "/items/1/mac",
    "/items/2/network_id",
    "/items/2/netwrk_id",
  ]);
  const meaning = [
    { network_id: w.network.id, addresses: ["10.0.1.5"] },
    { network_id: w.network.id, addresses: ["10.0.2.5"] },
    { network_id: w.network.id, addresses: ["10.0.1.5"] },
    { network_id: randomUUID() },
    { network_id: w.network.id, name: "x" },
    { network_id: w.network.id, name: "x" },
  ];
  const detail = await refused(served, () => bulk(meaning), { status: 400 });
  expect(detail.errors?.map((e) => e.pointer)).toEqual([
    "/items/1/addresses/0",
    "/items/2/addresses/0",
    "/items/3/network_id",
    "/items/5/name",
  ]);
  await refused(served, () => bulk([]), { status: 400, pointer: "/items" });
  await refused(served, () => bulk(loose(10_001)), { status: 400, pointer: "/items" });
  const tooLong = () => served.root.request("POST", "/v1/ports:bulk", { items: ["x".repeat(17 << 20)] });
  await refused(served, tooLong, { status: 413 });
});

test("a quota that the whole bulk would exceed refuses it with nothing stored", async () => {
  await served.root.patch("projects", w.project.id, { quotas: { ports: 30 } });
  const detail = await refused(served, () => bulk(loose(31)), { status: 409, code: "quota_exceeded" });
  expect(detail.errors?.map((e) => e.pointer)).toEqual(["/items/30"]);
  expect(await bulk(loose(30))).toHaveLength(30);
});

test("items that are taken meanwhile have their own result; the others are created", async () => {
  await served.root.create("ports", {
    name: "other",
    network_id: w.network.id,
    addresses: ["10.0.1.30"],
    mac: "0a:00:00:00:00:30",
  });
  const items = Array.from({ length: 60 }, (_, i) => ({ network_id: w.network.id, addresses: [`10.0.1.${i + 10}`] }));
  const results = await bulk(items);
  expect(results.filter((r) => r.status === 201)).toHaveLength(59);
  expect(results[20]).toMatchObject({ status: 409, problem: { code: "address_taken" } });
  expect(await served.root.list("ports")).toHaveLength(60);
});

test("a retry with the same key finds what is there and makes the rest", async () => {
  const first = await bulk(loose(50), "k1");
  const again = await bulk(loose(50), "k1");
  expect(again.map((r) => r.status)).toEqual(Array.from({ length: 50 }, () => 200));
  expect(again.map((r) => r.object)).toEqual(first.map((r) => r.object));
  expect(await served.root.list("ports")).toHaveLength(50);
  await refused(served, () => bulk(loose(51), "k1"), { status: 422, code: "idempotency_key_reused" });
});

test("a retry with the client's ids succeeds where the first try filled the network", async () => {
  const small = await served.root.create("networks", { vpc_id: w.vpc.id, cidr: "10.0.9.0/28" });
  const items = Array.from({ length: 13 }, () => ({ id: randomUUID(), network_id: small.id }));
  expect((await bulk(items)).every((r) => r.status === 201)).toBe(true);
  expect((await bulk(items)).every((r) => r.status === 200)).toBe(true);
  const other = { ...items[0]!, labels: { a: "1" } };
  expect(await bulk([other, items[1]!])).toMatchObject([
    { status: 409, problem: { code: "id_taken" } },
    { status: 200 },
  ]);
});

test("creations that come while another is written are written together", async () => {
  let txns = 0;
  let open: () => void = () => {};
  let gate = Promise.resolve();
  const store = new MemoryStore();
  const slow: Store = Object.assign(Object.create(store) as Store, bound(store), {
    async txn(txn: Txn) {
      txns++;
      await gate;
      return store.txn(txn);
    },
  });
  const other = await serve({ store: slow });
  const { network } = await world(other.root);
  gate = new Promise((resolve) => {
    open = resolve;
  });
  txns = 0;
  const from = other.logs.length;
  const creating = Array.from({ length: 60 }, () => other.root.create("ports", { network_id: network.id }));
  await vi.waitFor(() => expect(other.logs.slice(from).filter((l) => l.includes("incoming"))).toHaveLength(60));
  open();
  const ports = await Promise.all(creating);
  expect(new Set(ports.map((p) => p.addresses[0])).size).toBe(60);
  expect(txns).toBeLessThan(10);
  await other.close();
});

const bound = (store: Store): Pick<Store, "get" | "range" | "watch" | "grantLease"> => ({
  get: (key) => store.get(key),
  range: (query) => store.range(query),
  watch: (prefix, after, signal) => store.watch(prefix, after, signal),
  grantLease: (seconds) => store.grantLease(seconds),
});

test("where a part is there already, what cannot be made any more has its own result", async () => {
  const items = [9, 10].map((n) => ({ id: randomUUID(), network_id: w.network.id, addresses: [`10.0.1.${n}`] }));
  await bulk(items.slice(0, 1));
  await served.root.patch("projects", w.project.id, { quotas: { ports: 1 } });
  expect(await bulk(items)).toMatchObject([{ status: 200 }, { status: 409, problem: { code: "quota_exceeded" } }]);
});

/** A store that dies at its n-th transaction. */
function dying(store: Store, n: number): Store {
  let left = n;
  return new Proxy(store, {
    get(target, name: keyof Store) {
      if (name === "txn" && left-- <= 0) throw new Error("killed");
      const real = target[name] as (...args: unknown[]) => unknown;
      return real.bind(target);
    },
  });
}

test("a bulk that was cut off in the middle is finished by its retry, nothing twice", async () => {
  const store = new MemoryStore();
  const whole = await serve({ store });
  const { network } = await world(whole.root);
  const items = Array.from({ length: 100 }, () => ({ network_id: network.id }));
  const cut = await serve({ store: dying(store, 2) });
  expect((await refusal(cut.root.request("POST", "/v1/ports:bulk", { items }, idempotencyKey("k")))).status).toBe(500);
  const before = await whole.root.list("ports");
  expect(before.length).toBeGreaterThan(10);
  expect(before.length).toBeLessThan(100);
  const retry = await whole.root.request("POST", "/v1/ports:bulk", { items }, idempotencyKey("k"));
  const { results } = retry.body as { results: Result[] };
  expect(results.filter((r) => r.status === 200)).toHaveLength(before.length);
  const after = await whole.root.list("ports");
  expect(after).toHaveLength(100);
  expect(new Set(after.map((p) => p.addresses[0])).size).toBe(100);
  await cut.close();
  await whole.close();
});

test("deleting all that a bulk made leaves counters at zero and no key of a port", async () => {
  const before = JSON.parse(await dump(served.store)) as [string][];
  const results = await bulk(loose(40));
  for (const r of results) await served.root.delete("ports", r.object!.id);
  expect(await count(`quota/${w.project.id}/ports`)).toBe(0);
  const after = (JSON.parse(await dump(served.store)) as [string][]).map(([key]) => key);
  const left = after.filter((key) => !before.some(([k]) => k === key) && !/\/(history|resting|quota)\//.test(key));
  expect(left).toEqual([]);
});
