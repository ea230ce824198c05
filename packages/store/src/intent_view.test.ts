import { NOUNS } from "@onehop/core";
import { afterEach, describe, expect, it, vi } from "vitest";
import { ManualClock } from "./clock.ts";
import { type IntentChange, IntentView } from "./intent_view.ts";
import { keys } from "./keys.ts";
import { MemoryStore } from "./memory/memory_store.ts";
import { Broken, parseObject } from "./repository.ts";

const uuid = (n: number) => `00000000-0000-4000-8000-${String(n).padStart(12, "0")}`;
const meta = (id: string, name: string) => ({
  id,
  name,
  labels: {},
  created_at: "2026-01-02T03:04:05Z",
  updated_at: "2026-01-02T03:04:05Z",
});
const VPC = uuid(1);
const NET = uuid(2);
const HOST = uuid(3);
const vpc = { ...meta(VPC, "prod"), project_id: uuid(9), cidrs: ["10.0.0.0/16"], vni: 4096 };
const network = {
  ...meta(NET, "front"),
  vpc_id: VPC,
  project_id: uuid(9),
  cidr: "10.0.1.0/24",
  gateway: "10.0.1.1",
  vni: 4097,
};
const port = (n: number, more: object = {}) => ({
  ...meta(uuid(n), `p${n}`),
  network_id: NET,
  vpc_id: VPC,
  project_id: uuid(9),
  addresses: [`10.0.1.${n}`],
  mac: "0a:00:00:00:00:01",
  allowed_addresses: [],
  binding_revision: 0,
  ...more,
});

const ends: AbortController[] = [];
afterEach(() => {
  for (const end of ends.splice(0)) end.abort();
});

async function world() {
  const store = new MemoryStore();
  const put = async (plural: string, object: { id: string } & Record<string, unknown>) =>
    (await store.txn({ compare: [], then: [{ put: keys.object(plural, object.id), value: JSON.stringify(object) }] }))
      .revision;
  const end = new AbortController();
  ends.push(end);
  const open = () => IntentView.open({ store, signal: end.signal });
  return { store, put, open, end };
}

describe("IntentView", () => {
  it("gives what an earlier version stored the defaults of the fields that came since", async () => {
    const { put, open } = await world();
    await put("vpcs", vpc);
    const view = await open();
    expect(view.vpcs.get(VPC)).toMatchObject({ name: "prod", learning: "direct", max_learned: 16_384 });
    await view.waitFor(await put("vpcs", { ...vpc, learning: "confirmed" }));
    expect(view.vpcs.get(VPC)?.learning).toBe("confirmed");
  });

  it("loads what is there and follows what comes, with its indexes", async () => {
    const { put, open, store } = await world();
    await put("vpcs", vpc);
    await put("networks", network);
    const view = await open();
    const seen: IntentChange[] = [];
    view.onChange((changes) => seen.push(...changes));
    await put("ports", port(10, { host_id: HOST }));
    const last = await put("ports", port(11));
    await view.waitFor(last);
    expect([...view.portsByNetwork.of(NET).keys()]).toEqual([uuid(10), uuid(11)]);
    expect([...view.portsByHost.of(HOST).keys()]).toEqual([uuid(10)]);
    expect([...view.networksByVpc.of(VPC).keys()]).toEqual([NET]);
    expect(view.ports.get(uuid(11))?.revision).toBe(last);
    await view.waitFor(await put("ports", port(10)));
    expect(view.portsByHost.of(HOST).size).toBe(0);
    const { revision } = await store.txn({ compare: [], then: [{ delete: keys.object("ports", uuid(10)) }] });
    await view.waitFor(revision);
    expect(view.ports.has(uuid(10))).toBe(false);
    expect(seen.map((c) => [c.id === uuid(10), !!c.before, !!c.after])).toEqual([
      [true, false, true],
      [false, false, true],
      [true, true, true],
      [true, true, false],
    ]);
  });

  it("tells a transaction of several objects in one call", async () => {
    const { open, store } = await world();
    const view = await open();
    const calls: IntentChange[][] = [];
    view.onChange((changes) => calls.push(changes));
    const ops = [vpc, network].map((o, i) => ({
      put: keys.object(i === 0 ? "vpcs" : "networks", o.id),
      value: JSON.stringify(o),
    }));
    const { revision } = await store.txn({ compare: [], then: ops });
    await view.waitFor(revision);
    expect(calls.map((c) => c.map((x) => x.kind))).toEqual([["vpc", "network"]]);
  });

  it("lists anew where the store has forgotten the history, and tells the difference", async () => {
    const { put, open, store } = await world();
    await put("vpcs", vpc);
    await put("networks", network);
    const view = await open();
    const seen: IntentChange[] = [];
    view.onChange((changes) => seen.push(...changes));
    // All before the view's watch can run again: its place is gone when it does.
    const changed = put("vpcs", { ...vpc, name: "renamed" });
    const deleted = store.txn({ compare: [], then: [{ delete: keys.object("networks", NET) }] });
    const more = put("ports", port(10));
    await Promise.all([changed, deleted, more]);
    await store.compact(await more);
    await view.waitFor(await more);
    expect(view.vpcs.get(VPC)?.name).toBe("renamed");
    expect(view.networks.size).toBe(0);
    expect(view.networksByVpc.of(VPC).size).toBe(0);
    expect(new Set(seen.map((c) => c.kind))).toEqual(new Set(["vpc", "network", "port"]));
  });

  it("fences a value that does not fit, goes on, and takes it back when it is repaired", async () => {
    const { put, open, store } = await world();
    await put("vpcs", vpc);
    const view = await open();
    await view.waitFor(await put("vpcs", { ...vpc, cidrs: ["10.0.0.1/16"] }));
    expect(view.vpcs.size).toBe(0);
    expect(view.broken.get(keys.object("vpcs", VPC))?.reason).toMatch(/^The stored vpc does not fit.*\/cidrs\/0/);
    const bad = await store.txn({ compare: [], then: [{ put: keys.object("ports", uuid(10)), value: "{" }] });
    await view.waitFor(bad.revision);
    expect(view.broken.size).toBe(2);
    await view.waitFor(await put("vpcs", vpc));
    expect(view.vpcs.size).toBe(1);
    expect([...view.broken.values()].map((b) => b.reason)).toEqual(["The stored port is not valid JSON."]);
  });

  it("waits also for revisions that touched no object, and stops waiting by signal", async () => {
    const { open, store } = await world();
    const view = await open();
    const { revision } = await store.txn({ compare: [], then: [{ put: keys.token("x"), value: "" }] });
    await view.waitFor(revision);
    const end = new AbortController();
    const waiting = view.waitFor(revision + 1, end.signal);
    end.abort(new Error("enough"));
    await expect(waiting).rejects.toThrow("enough");
  });

  it("does not take a listener's error for the store's: it ends the process, and the view goes on", async () => {
    const { put, end, store } = await world();
    const errors: unknown[] = [];
    const view = await IntentView.open({ store, signal: end.signal, onError: (e) => errors.push(e) });
    const wrong = new Error("a mistake");
    view.onChange(() => {
      throw wrong;
    });
    const thrown: (() => void)[] = [];
    vi.stubGlobal("queueMicrotask", (step: () => void) => thrown.push(step));
    await view.waitFor(await put("vpcs", vpc));
    vi.unstubAllGlobals();
    expect(thrown).toHaveLength(1);
    expect(thrown[0]).toThrow(wrong);
    expect(errors).toEqual([]);
  });

  it("survives errors of the store and tells them", async () => {
    const { store, put } = await world();
    const end = new AbortController();
    ends.push(end);
    let broken = 3;
    const errors: unknown[] = [];
    const flaky = Object.assign(Object.create(store) as MemoryStore, {
      watch: (prefix: string, after: number, signal: AbortSignal) => {
        if (broken-- > 0) throw new Error("down");
        return store.watch(prefix, after, signal);
      },
      range: (q: { prefix: string }) => store.range(q),
    });
    const clock = new ManualClock();
    const view = await IntentView.open({ store: flaky, signal: end.signal, clock, onError: (e) => errors.push(e) });
    const seen = view.waitFor(await put("vpcs", vpc));
    await clock.advance(1000);
    await seen;
    expect(view.vpcs.size).toBe(1);
    expect(errors.map(String)).toEqual(["Error: down", "Error: down", "Error: down"]);
  });
});

describe("repository", () => {
  it("refuses a value whose id is not that of its key", () => {
    const entry = {
      key: keys.object("vpcs", uuid(7)),
      value: JSON.stringify(vpc),
      create_revision: 2,
      mod_revision: 2,
    };
    const noun = NOUNS.find((n) => n.kind === "vpc") as (typeof NOUNS)[2];
    const parsed = parseObject(noun, entry);
    expect(parsed).toBeInstanceOf(Broken);
    expect((parsed as Broken).reason).toContain("not that of its key");
  });
});
