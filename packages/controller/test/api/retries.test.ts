import { idempotencyKey, ifMatch } from "@onehop/api";
import { IntentView } from "@onehop/store";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ManualClock, MemoryStore, randomUUID, refusal, refused, type Served, serve, world } from "./fixture.ts";

let served: Served;
let w: Awaited<ReturnType<typeof world>>;
beforeEach(async () => {
  served = await serve();
  w = await world(served.root);
});
afterEach(() => served.close());

const create = (body: object, key?: string) =>
  served.root.request("POST", "/v1/ports", { network_id: w.network.id, ...body }, key ? idempotencyKey(key) : {});

test("the same key and body get the first answer again, even after the object has changed", async () => {
  const first = await create({ name: "a" }, "k1");
  const { id, revision } = first.body as { id: string; revision: number };
  await served.root.patch("ports", id, { name: "b" });
  const again = await create({ name: "a" }, "k1");
  expect(again.status).toBe(201);
  expect(again.headers["idempotency-replayed"]).toBe("true");
  expect(again.body).toMatchObject({ id, revision, name: "a" });
  expect(await served.root.list("ports")).toHaveLength(1);
});

test("the same key with another body is 422, and nothing is stored", async () => {
  await create({ name: "a" }, "k1");
  await refused(served, () => create({ name: "b" }, "k1"), { status: 422, code: "idempotency_key_reused" });
  await refused(served, () => create({ name: "c" }, "k\u00e9"), { status: 400 });
});

test("a refused request stores no answer: a retry is judged anew", async () => {
  await create({ addresses: ["10.0.1.9"] });
  await refused(served, () => create({ addresses: ["10.0.1.9"] }, "k1"), { status: 409, code: "address_taken" });
  const holder = (await served.root.list("ports"))[0]!;
  await served.root.delete("ports", holder.id);
  expect((await refusal(create({ addresses: ["10.0.1.9"] }, "k1"))).code).toBe("address_resting");
  expect((await create({ addresses: ["10.0.1.10"] }, "k2")).status).toBe(201);
});

test("a key belongs to its caller", async () => {
  const token = await served.root.request("POST", "/v1/tokens", { name: "t", role: "admin" });
  const other = (await import("@onehop/api")).Client;
  const client = new other({ url: served.url, token: (token.body as { secret: string }).secret });
  const first = await create({ name: "a" }, "k1");
  const second = await client.create("ports", { network_id: w.network.id, name: "b" }, idempotencyKey("k1"));
  expect(second.id).not.toBe((first.body as { id: string }).id);
  client.close();
});

test("a key is forgotten after a day", async () => {
  const clock = new ManualClock();
  const other = await serve({ store: new MemoryStore({ clock }), clock });
  await other.root.request("POST", "/v1/projects", { name: "a" }, idempotencyKey("k1"));
  await clock.advance(20 * 3_600_000);
  expect((await refusal(other.root.request("POST", "/v1/projects", { name: "b" }, idempotencyKey("k1")))).status).toBe(
    422,
  );
  await clock.advance(8 * 3_600_000);
  expect((await other.root.request("POST", "/v1/projects", { name: "b" }, idempotencyKey("k1"))).status).toBe(201);
  await other.close();
});

test("the client's own id makes a retry find the object; with another body it is 409", async () => {
  const id = randomUUID();
  const body = { id, name: "a", addresses: ["10.0.1.9"], labels: { x: "1" } };
  expect((await create(body)).status).toBe(201);
  const again = await create(body);
  expect(again.status).toBe(200);
  expect(again.body).toMatchObject(body);
  await refused(served, () => create({ ...body, addresses: ["10.0.1.10"] }), {
    status: 409,
    code: "id_taken",
    pointer: "/id",
  });
  expect((await served.root.request("POST", "/v1/projects", { id, name: "other-noun" })).status).toBe(201);
});

test("changes and deletions are retried by key as well", async () => {
  const { id } = (await create({ name: "a" })).body as { id: string };
  const rename = () => served.root.patch("ports", id, { name: "b" }, idempotencyKey("k2"));
  expect(await rename()).toEqual(await rename());
  const remove = () => served.root.delete("ports", id, idempotencyKey("k3"));
  await remove();
  await remove();
  expect((await refusal(served.root.delete("ports", id))).status).toBe(404);
});

test("If-Match guards changes and deletions; If-None-Match saves an answer", async () => {
  const { vpc, network } = w;
  const changed = await served.root.patch("vpcs", vpc.id, { labels: { a: "1" } }, ifMatch(vpc));
  const stale = () => served.root.patch("vpcs", vpc.id, { labels: { a: "2" } }, ifMatch(vpc));
  const detail = await refused(served, stale, { status: 412, code: "revision_mismatch" });
  expect(detail.fields).toEqual({ revision: changed.revision });
  const weak = { "if-match": `W/"${changed.revision}"` };
  await refused(served, () => served.root.patch("vpcs", vpc.id, { labels: {} }, weak), { status: 412 });
  await refused(served, () => served.root.delete("networks", network.id, { "if-match": '"1"' }), { status: 412 });
  await served.root.delete("networks", network.id, { "if-match": `"1", "${network.revision}"` });
  const held = await served.root.request("GET", `/v1/vpcs/${vpc.id}`, undefined, {
    "if-none-match": `"${changed.revision}"`,
  });
  expect([held.status, held.body, held.headers.etag]).toEqual([304, undefined, `"${changed.revision}"`]);
});

test("a merge patch changes what it names, null removes, and nothing new is no change", async () => {
  const host_id = w.host.id;
  const device = { kind: "adopt", name: "tap0" };
  const { id, revision } = (await create({ labels: { a: "1", b: "2" }, host_id, device })).body as {
    id: string;
    revision: number;
  };
  const patched = await served.root.patch("ports", id, { labels: { a: null, c: "3" } });
  expect(patched.labels).toEqual({ b: "2", c: "3" });
  expect(await served.root.patch("ports", id, { labels: { c: "3" } })).toEqual(patched);
  const veth = await served.root.patch("ports", id, { device: { kind: "veth", namespace: "g1" } });
  expect(veth.device).toEqual({ kind: "veth", namespace: "g1" });
  expect(patched.binding_revision).toBeLessThan(revision);
  expect(veth.binding_revision).toBeGreaterThan(patched.binding_revision);
  await refused(served, () => served.root.patch("ports", id, { host_id: null }), { status: 400, pointer: "/device" });
  const unbound = await served.root.patch("ports", id, { host_id: null, device: null });
  expect(unbound).not.toHaveProperty("host_id");
  expect(unbound.binding_revision).toBeGreaterThan(veth.binding_revision);
  await served.root.delete("hosts", host_id);
  await refused(served, () => served.root.patch("ports", id, { name: null }), { status: 400, pointer: "/name" });
  await refused(served, () => served.root.patch("ports", id, { labels: { "Not Ok": "1" } }), {
    status: 400,
    pointer: "/labels/Not Ok",
  });
  const polluted = JSON.parse('{"labels": {"__proto__": {"x": "1"}}}');
  await refused(served, () => served.root.patch("ports", id, polluted), { status: 400 });
});

test("a binding's generation grows for a re-created port with the same address", async () => {
  const host_id = w.host.id;
  const clock = new ManualClock();
  const other = await serve({ store: served.store, clock, limits: { addressRest: 0 } });
  let last = 0;
  for (let i = 0; i < 4; i++) {
    const port = await other.root.create("ports", { network_id: w.network.id, addresses: ["10.0.1.50"], host_id });
    const moved = await other.root.patch("ports", port.id, { host_id: null });
    expect(port.binding_revision).toBeGreaterThan(last);
    expect(moved.binding_revision).toBeGreaterThan(port.binding_revision);
    last = moved.binding_revision;
    await other.root.delete("ports", port.id);
  }
  await other.close();
});

test("what is in use is not deleted, and the refusal says by what", async () => {
  const port = (await create({ name: "web-1", host_id: w.host.id })).body as { id: string };
  const used = async (plural: "projects" | "vpcs" | "networks" | "hosts", id: string) =>
    (await refused(served, () => served.root.delete(plural, id), { status: 409, code: "in_use" })).fields?.used_by;
  expect(await used("projects", w.project.id)).toEqual([{ kind: "vpc", id: w.vpc.id, name: "prod" }]);
  expect(await used("vpcs", w.vpc.id)).toEqual([{ kind: "network", id: w.network.id, name: "front" }]);
  expect(await used("networks", w.network.id)).toEqual([{ kind: "port", id: port.id, name: "web-1" }]);
  expect(await used("hosts", w.host.id)).toEqual([{ kind: "port", id: port.id, name: "web-1" }]);
});

test("a name is free again after a rename or a deletion", async () => {
  const { id } = (await create({ name: "a" })).body as { id: string };
  await served.root.patch("ports", id, { name: "b" });
  await create({ name: "a" });
  await served.root.delete("ports", id);
  await create({ name: "b" });
});

test("writes are done by what the store has, however far behind is what this process follows", async () => {
  const store = new MemoryStore();
  const [first, ending] = [await serve({ store }), new AbortController()];
  const { network } = await world(first.root);
  const followed = await IntentView.open({ store, signal: ending.signal });
  ending.abort();
  const behind = await serve({ store, followed });
  await first.root.patch("networks", network.id, { labels: { a: "1" } });
  const there = await first.root.create("ports", { network_id: network.id });
  const made = await behind.root.create("ports", { network_id: network.id });
  expect(made.addresses).not.toEqual(there.addresses);
  await behind.root.delete("ports", there.id);
  await Promise.all([behind.close(), first.close()]);
});
