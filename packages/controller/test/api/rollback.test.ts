import { Client } from "@onehop/api";
import { keys } from "@onehop/store";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { dump, refusal, refused, type Served, serve, world } from "./fixture.ts";

let served: Served;
let root: Client;
let w: Awaited<ReturnType<typeof world>>;

beforeEach(async () => {
  served = await serve();
  root = served.root;
  w = await world(root);
});
afterEach(() => served.close());

interface Answer {
  readonly at_once: boolean;
  readonly dry_run: boolean;
  readonly revision?: number;
  readonly changes: readonly {
    action: string;
    kind: string;
    id: string;
    name: string;
    fields?: object;
    kept?: string[];
  }[];
}

const revision = async (): Promise<number> => (await served.store.range({ prefix: "/" })).revision;
const rollback = async (to: number, more: object = {}, client = root, id = w.vpc.id): Promise<Answer> =>
  (await client.request("POST", `/v1/vpcs/${id}/rollback`, { to_revision: to, ...more })).body as Answer;

interface Page {
  readonly items: { revision: number; changes: Record<string, unknown>[] }[];
  readonly next_page_token?: string;
  readonly oldest_revision?: number;
}
const history = async (query = "", client = root, id = w.vpc.id): Promise<Page> =>
  (await client.request("GET", `/v1/vpcs/${id}/history${query}`)).body as Page;

/** Everything of the VPC that a user gave or was given; what only ever gets newer is left out. */
async function state(): Promise<unknown[]> {
  const all = await Promise.all([root.list("vpcs"), root.list("networks"), root.list("ports"), root.list("routes")]);
  return all
    .flat()
    .map(({ revision: _, updated_at: __, status: ___, ...object }) => ({ ...object, binding_revision: 0 }))
    .sort((a, b) => (a.id < b.id ? -1 : 1));
}

const port = (name: string, more: object = {}) => root.create("ports", { name, network_id: w.network.id, ...more });
const tenant = async (role: "member" | "reader", project_id = w.project.id): Promise<Client> => {
  const { body } = await root.request("POST", "/v1/tokens", { name: "t", role, project_id });
  return new Client({ url: served.url, token: (body as { secret: string }).secret });
};

describe("History", () => {
  it("tells who changed what and when, newest first, a transaction at a time.", async () => {
    const p = await port("web-1");
    await root.patch("ports", p.id, { labels: { tier: "web" } });
    await root.delete("ports", p.id);
    const { items, oldest_revision } = await history();
    expect(items.map(({ changes }) => changes.map((c) => `${c.action} ${c.kind} ${c.name} by ${c.who}`))).toEqual([
      ["deleted port web-1 by root"],
      ["updated port web-1 by root"],
      ["created port web-1 by root"],
      ["created network front by root"],
      ["created vpc prod by root"],
    ]);
    expect(items[1]!.changes[0]).toMatchObject({ before: { labels: {} }, after: { labels: { tier: "web" } } });
    expect(items[2]!.revision).toBe(p.revision);
    expect(oldest_revision).toBe(w.vpc.revision);
  });

  it("comes in pages.", async () => {
    const first = await history("?limit=1");
    const second = await history(`?limit=1&page_token=${first.next_page_token}`);
    expect([first, second].map((p) => p.items[0]!.changes[0]!.kind)).toEqual(["network", "vpc"]);
    expect(second.next_page_token).toBeUndefined();
    await refused(served, () => history("?page_token=x"), { status: 400 });
    await refused(served, () => history("?since=1"), { status: 400 });
  });

  it("is not found by other projects, and nobody's where there is no VPC.", async () => {
    const other = await root.create("projects", { name: "other" });
    const stranger = await tenant("member", other.id);
    await refused(served, () => history("", stranger), { status: 404 });
    await refused(served, () => rollback(1, {}, stranger), { status: 404 });
    await refused(served, () => history("", root, w.network.id), { status: 404 });
    stranger.close();
  });

  it("records a bulk once a transaction.", async () => {
    const items = Array.from({ length: 40 }, (_, i) => ({ name: `p-${i}`, network_id: w.network.id }));
    await root.request("POST", "/v1/ports:bulk", { items });
    const { items: records } = await history();
    const counts = records.map((r) => r.changes.length).filter((n) => n > 1);
    expect(counts.reduce((a, b) => a + b)).toBe(40);
    expect(counts.length).toBeLessThan(4);
  });
});

describe("D16: a bad change is rolled back with one command, which", () => {
  it("undoes creations, changes and deletions of everything in the VPC, and leaves ids, addresses, MACs and VNIs as they were.", async () => {
    const kept = await port("kept", { addresses: ["10.0.1.9"] });
    const lost = await port("lost", { host_id: w.host.id, device: { kind: "adopt", name: "tap0" } });
    const net = await root.create("networks", { name: "gone", vpc_id: w.vpc.id });
    const inside = await root.create("ports", { name: "inside", network_id: net.id });
    const route = await root.create("routes", {
      name: "out",
      vpc_id: w.vpc.id,
      destination: "172.16.0.0/12",
      next_hop: "10.0.1.9",
    });
    const before = await state();
    const good = await revision();

    await root.delete("ports", inside.id);
    await root.delete("networks", net.id);
    await root.delete("ports", lost.id);
    await root.patch("ports", kept.id, { name: "renamed", labels: { bad: "yes" } });
    await root.patch("routes", route.id, { next_hop: "10.0.1.10" });
    await root.patch("vpcs", w.vpc.id, { cidrs: ["10.0.0.0/16", "10.9.0.0/16"], labels: { bad: "yes" } });
    const bad = await root.create("networks", { name: "bad", vpc_id: w.vpc.id, cidr: "10.9.0.0/24" });
    await root.create("ports", { name: "bad-1", network_id: bad.id });
    expect(await state()).not.toEqual(before);

    const done = await rollback(good);
    expect(await state()).toEqual(before);
    expect(done.at_once).toBe(true);
    expect(done.changes.map((c) => `${c.action} ${c.kind} ${c.name}`).sort()).toEqual([
      "create network gone",
      "create port inside",
      "create port lost",
      "delete network bad",
      "delete port bad-1",
      "update port kept",
      "update route out",
      "update vpc prod",
    ]);
    expect((await root.get("vpcs", w.vpc.id)).revision).toBe(done.revision);
  });

  it("is itself one record, and can be rolled back.", async () => {
    const good = await revision();
    await port("web-1", { addresses: ["10.0.1.5"] });
    await root.patch("networks", w.network.id, { labels: { a: "b" } });
    const bad = await revision();
    const before = await state();
    const { revision: done } = await rollback(good);
    const { items } = await history("?limit=1");
    expect(items).toMatchObject([{ revision: done, changes: [{ restores: good }, { restores: good }] }]);
    expect((await rollback(bad)).changes).toHaveLength(2);
    expect(await state()).toEqual(before);
  });

  it("brings back a deleted VPC, by its id.", async () => {
    const p = await port("web-1");
    const before = await state();
    const good = await revision();
    await root.delete("ports", p.id);
    await root.delete("networks", w.network.id);
    await root.delete("vpcs", w.vpc.id);
    expect((await rollback(good)).changes).toHaveLength(3);
    expect(await state()).toEqual(before);
    expect(await served.store.get(keys.historyEnd(w.vpc.id))).toBeUndefined();
  });

  it("untangles names and addresses that were exchanged.", async () => {
    const a = await port("a", { addresses: ["10.0.1.5"] });
    const b = await port("b", { addresses: ["10.0.1.6"] });
    const before = await state();
    const good = await revision();
    await root.patch("ports", a.id, { name: "c" });
    await root.patch("ports", b.id, { name: "a" });
    await root.patch("ports", a.id, { name: "b" });
    await rollback(good);
    expect(await state()).toEqual(before);
  });

  it("moves VPC ranges and next hops back together.", async () => {
    const bare = await root.create("vpcs", { name: "bare", project_id: w.project.id, cidrs: ["10.1.0.0/16"] });
    const r = await root.create("routes", {
      vpc_id: bare.id,
      name: "r",
      destination: "0.0.0.0/0",
      next_hop: "10.1.0.1",
    });
    const before = await state();
    const good = await revision();
    await root.patch("vpcs", bare.id, { cidrs: ["10.1.0.0/16", "10.2.0.0/16"] });
    await root.patch("routes", r.id, { next_hop: "10.2.0.1" });
    await root.patch("vpcs", bare.id, { cidrs: ["10.2.0.0/16"] });
    await rollback(good, {}, root, bare.id);
    expect(await state()).toEqual(before);
  });

  it("gives a port that moved a newer binding, never the old one.", async () => {
    const p = await port("p", { host_id: w.host.id, device: { kind: "adopt", name: "tap0" } });
    const good = await revision();
    await root.patch("ports", p.id, { host_id: null, device: null });
    const moved = await root.get("ports", p.id);
    await rollback(good);
    const after = await root.get("ports", p.id);
    expect(after.host_id).toBe(w.host.id);
    expect(after.binding_revision).toBeGreaterThan(moved.binding_revision);
  });

  it("does nothing where nothing changed, and the second time.", async () => {
    const good = await revision();
    await port("web-1");
    await rollback(good);
    const before = await dump(served.store);
    expect((await rollback(good)).changes).toEqual([]);
    expect(await dump(served.store)).toBe(before);
  });

  it("tells what it would do, and does nothing, in a dry run.", async () => {
    const good = await revision();
    await root.patch("networks", w.network.id, { labels: { a: "b" } });
    const before = await dump(served.store);
    const told = await rollback(good, { dry_run: true });
    expect(told).toMatchObject({ dry_run: true, at_once: true });
    expect(told.revision).toBeUndefined();
    expect(told.changes).toMatchObject([
      { action: "update", kind: "network", fields: { labels: { from: { a: "b" }, to: {} } } },
    ]);
    expect(await dump(served.store)).toBe(before);
  });

  it("goes in several transactions where one is too small, and says so.", async () => {
    const items = Array.from({ length: 100 }, (_, i) => ({ name: `p-${i}`, network_id: w.network.id }));
    const good = await revision();
    await root.request("POST", "/v1/ports:bulk", { items });
    const many = await state();
    const bad = await revision();
    expect(await rollback(good, { dry_run: true })).toMatchObject({ at_once: false });
    expect(await rollback(good)).toMatchObject({ at_once: false });
    expect(await root.list("ports")).toEqual([]);
    await rollback(bad);
    expect(await state()).toEqual(many);
  });
});

describe("A rollback is refused, and nothing changed,", () => {
  it("over what others use now, with what uses it.", async () => {
    const good = await revision();
    await root.patch("vpcs", w.vpc.id, { name: "old-prod" });
    const taker = await root.create("vpcs", { name: "prod", project_id: w.project.id, cidrs: ["10.0.0.0/8"] });
    await port("web-1");
    const { message, errors, fields } = await refused(served, () => rollback(good), {
      status: 409,
      code: "rollback_conflict",
    });
    expect(message).toContain("The name prod is taken");
    expect(errors).toHaveLength(1);
    expect(fields).toEqual({ used_by: [{ kind: "vpc", id: taker.id, name: "prod" }] });
    await refused(served, () => rollback(good, { dry_run: true }), { status: 409 });
  });

  it("over a VNI that is another's by now.", async () => {
    const net = await root.create("networks", { name: "n", vpc_id: w.vpc.id, vni: 5000 });
    const good = await revision();
    await root.delete("networks", net.id);
    await served.store.txn({ compare: [], then: [{ delete: keys.restingVni(5000) }] });
    const taker = await root.create("networks", { name: "m", vpc_id: w.vpc.id });
    await served.store.txn({ compare: [], then: [{ put: keys.vni(5000), value: w.vpc.id }] });
    const { fields } = await refused(served, () => rollback(good), { status: 409, code: "rollback_conflict" });
    expect(fields).toMatchObject({ used_by: [{ kind: "vpc", name: "prod" }] });
    expect(await root.get("networks", taker.id)).toMatchObject({ name: "m" });
  });

  it("where a host is gone, naming each port once.", async () => {
    const p = await port("p", { host_id: w.host.id, device: { kind: "adopt", name: "tap0" } });
    const good = await revision();
    await root.delete("ports", p.id);
    await root.delete("hosts", w.host.id);
    const { errors } = await refused(served, () => rollback(good), { status: 409, code: "rollback_conflict" });
    expect(errors).toEqual([{ pointer: "", detail: `port p: There is no host ${w.host.id}.` }]);
  });

  it("to a revision of the future, from before the VPC, from before its history, or that is no number.", async () => {
    const now = await revision();
    await refused(served, () => rollback(now + 1), { status: 400, pointer: "/to_revision" });
    await refused(served, () => rollback(w.project.revision), { status: 409, code: "vpc_not_yet" });
    await refused(served, () => rollback(0), { status: 400, pointer: "/to_revision" });
    await refused(served, () => rollback("1" as unknown as number), { status: 400, pointer: "/to_revision" });
    await refused(served, () => rollback(1, { dryrun: true }), { status: 400, pointer: "/dryrun" });
    const { entries } = await served.store.range({ prefix: keys.historyOf(w.vpc.id) });
    const [first] = [...entries].sort((a, b) => a.mod_revision - b.mod_revision);
    await served.store.txn({ compare: [], then: [{ delete: first!.key }] });
    const forgotten = await refused(served, () => rollback(w.vpc.revision), { status: 409, code: "history_forgotten" });
    expect(forgotten.fields).toEqual({ oldest_revision: w.network.revision });
  });

  it("for readers.", async () => {
    const reader = await tenant("reader");
    expect((await refusal(rollback(1, {}, reader))).status).toBe(403);
    expect((await history("", reader)).items).toHaveLength(2);
    reader.close();
  });
});

describe("A tenant's rollback", () => {
  it("leaves what only admins may set as it is, and says so.", async () => {
    const p = await port("p", { host_id: w.host.id, device: { kind: "adopt", name: "tap0" } });
    const q = await port("q", { host_id: w.host.id, device: { kind: "adopt", name: "tap1" } });
    const good = await revision();
    await root.patch("ports", p.id, { host_id: null, device: null, labels: { a: "b" } });
    await root.delete("ports", q.id);
    const member = await tenant("member");
    const { changes } = await rollback(good, {}, member);
    expect(changes).toMatchObject([
      { action: "update", name: "p", kept: ["host_id", "device"], fields: { labels: { to: {} } } },
      { action: "create", name: "q", kept: ["host_id", "device"] },
    ]);
    expect(await root.get("ports", p.id)).not.toHaveProperty("host_id");
    expect(await root.get("ports", q.id)).not.toHaveProperty("device");
    member.close();
  });
});
