import { epochOf, type Held } from "@onehop/core";
import { keys, type MemoryCopy, MemoryStore, systemClock } from "@onehop/store";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Sentry } from "../src/epoch/sentry.ts";
import { parseEpoch, seenIn, textOf } from "../src/epoch/stored.ts";
import { FakeAgent, put, putIntent, Rig, until } from "./rig.ts";
import { BASE } from "./states.ts";

const { intent, a2, front } = BASE;
const held = (id: string, epoch: number, generation: number): Held => ({
  id: id as "hosts",
  epoch,
  generation,
  hash: "",
});

describe("the stored epoch", () => {
  it("is read as it was written, also by hand, and what cannot be read is nothing", () => {
    const frozen = { seen: { epoch: 2, revision: 90 }, store: { epoch: 1, revision: 7 }, by: "host h1" };
    expect(parseEpoch(textOf({ epoch: 2, frozen }))).toEqual({ epoch: 2, frozen });
    expect(parseEpoch("3")).toEqual({ epoch: 3 });
    expect(parseEpoch("3 frozen")).toEqual({ epoch: 3, frozen: {} });
    expect(parseEpoch('3 frozen {"seen":7}')).toEqual({ epoch: 3, frozen: {} });
    expect(parseEpoch(undefined)).toEqual({ epoch: 1 });
    for (const text of ["", "0", "-1", "soon", "3 frozen x"]) expect(parseEpoch(text)).toBeUndefined();
  });

  it("and revision that a host has seen are those of the newest of its slices", () => {
    expect(seenIn([])).toBeUndefined();
    expect(seenIn([held("a", epochOf(1, 900), 950), held("b", epochOf(2, 30), 20)])).toEqual({
      epoch: 2,
      revision: 30,
    });
    expect(seenIn([held("a", epochOf(3, 4), 9)])).toEqual({ epoch: 3, revision: 9 });
  });
});

describe("a store that was put back", () => {
  let store: MemoryStore;
  let ending: AbortController;
  const logged: string[] = [];
  const note = (_fields: object, message: string) => void logged.push(message);
  const sentry = (name = "c1") => {
    const logger = { error: note, warn: note } as unknown as ConstructorParameters<typeof Sentry>[0]["logger"];
    return new Sentry({ store, clock: systemClock, signal: ending.signal, name, logger }).open();
  };
  const write = (value: string) => store.txn({ compare: [], then: [{ put: "/x", value }] });
  let old: MemoryCopy;
  beforeEach(async () => {
    store = new MemoryStore();
    ending = new AbortController();
    await write("old");
    old = store.copy();
    await write("new");
  });
  afterEach(() => ending.abort());

  it("fails all reads and watches of a controller that has seen more, and is frozen for the others", async () => {
    const one = await sentry();
    const read = await one.guarded.range({ prefix: "/x" });
    const watch = one.guarded.watch("/x", read.revision, ending.signal)[Symbol.asyncIterator]();
    const next = watch.next();
    store.restore(old);
    await expect(next).rejects.toMatchObject({ code: "restored" });
    await expect(one.guarded.get("/x")).rejects.toMatchObject({ code: "restored" });
    await until("it is frozen", () => one.frozen !== undefined);
    expect(one.sentence).toContain("controller c1 has seen revision 3 of epoch 1");
    await expect(one.guarded.get("/x")).rejects.toMatchObject({ code: "restored" });
    const two = await sentry("c2");
    expect(two.frozen).toEqual(one.frozen);
    // It has read nothing else: what there is may be looked at.
    expect((await two.guarded.get("/x"))?.value).toBe("old");
  });

  it("is used again when its epoch is raised, by this controller or another", async () => {
    const [one, two] = [await sentry("c1"), await sentry("c2")];
    await one.guarded.get("/x");
    store.restore(old);
    await until("both have noticed", () => one.frozen !== undefined && two.frozen !== undefined);
    expect(await two.accept()).toMatchObject({ epoch: 2 });
    await until("both go on", () => one.epoch === 2 && two.epoch === 2);
    expect([one.frozen, two.frozen]).toEqual([undefined, undefined]);
    expect((await one.guarded.get("/x"))?.value).toBe("old");
    expect((await store.get(keys.epoch))?.value).toBe("2");
  });

  it("is used at once where the operator raised the epoch before any controller looked", async () => {
    const one = await sentry();
    await one.guarded.get("/x");
    const [entry] = [{ key: keys.epoch, value: "2", create_revision: 2, mod_revision: 2 }];
    store.restore({ revision: 2, entries: [...old.entries, entry] });
    await until("it goes on", () => one.epoch === 2);
    expect(one.frozen).toBeUndefined();
    expect((await one.guarded.get("/x"))?.value).toBe("old");
  });

  it("is frozen by what a host holds, where no controller remembers, and not by what may be on its way", async () => {
    const one = await sentry();
    expect(one.doubts("host h1", [held("hosts", epochOf(1, 3), 2)])).toBe(false);
    const ahead = await write("by another controller");
    // Not seen here yet, and in the store: the host comes back, and all is well.
    const fresh = [held("hosts", epochOf(1, ahead.revision), 1)];
    const doubted = one.doubts("host h1", fresh);
    await one.look();
    expect([doubted, one.doubts("host h1", fresh), one.frozen]).toEqual([true, false, undefined]);
    expect(one.doubts("host h1", [held("hosts", epochOf(1, 3), 900)])).toBe(true);
    await until("it is frozen", () => one.frozen !== undefined);
    expect(one.frozen).toMatchObject({ seen: { epoch: 1, revision: 900 }, by: "host h1" });
    await one.accept();
    expect([one.epoch, one.frozen]).toEqual([2, undefined]);
  });

  it("gets an epoch above all that was seen, also where the copy is of an earlier epoch", async () => {
    const one = await sentry();
    expect(one.doubts("host h1", [held("hosts", epochOf(7, 3), 1)])).toBe(true);
    await until("it is frozen", () => one.frozen !== undefined);
    expect(await one.accept()).toMatchObject({ epoch: 8 });
  });

  it("stays frozen in this process where that cannot be stored, and when the text cannot be read", async () => {
    const one = await sentry();
    const txn = store.txn.bind(store);
    store.txn = async () => Promise.reject(new Error("no space"));
    one.doubts("host h1", [held("hosts", epochOf(1, 3), 900)]);
    await until("it is frozen", () => one.frozen !== undefined);
    await one.look();
    expect(one.frozen).toBeDefined();
    store.txn = txn;
    await store.txn({ compare: [], then: [{ put: keys.epoch, value: "soon" }] });
    const two = await sentry("c2");
    expect(two.sentence).toContain("The store was frozen");
  });
});

describe("controllers over a store that was put back", () => {
  let rig: Rig;
  beforeEach(async () => {
    rig = new Rig();
    await putIntent(rig.store, intent);
  });
  afterEach(() => rig.close());
  const addresses = (agent: FakeAgent) => {
    const body = agent.slices.get(`network/${front.id}`)?.body;
    return body?.type === "network" ? body.ports.flatMap((p) => p.addresses) : [];
  };
  const have = (agent: FakeAgent): Held[] =>
    [...agent.slices.values()].map(({ id, epoch, generation, hash }) => ({ id, epoch, generation, hash }));

  it("send nothing of it to hosts, and take no ports away, until it is accepted (D4)", async () => {
    const { plane, address } = await rig.controller();
    const agent = new FakeAgent(address, "h1");
    await until("all slices came", () => agent.slices.size === 7);
    const old = rig.store.copy();
    await put(rig.store, "ports", [{ ...a2, addresses: ["10.0.1.77"] }]);
    await until("the change came", () => addresses(agent).includes("10.0.1.77"));
    const epoch = agent.slices.get("hosts")!.epoch;
    const got = agent.got.length;
    rig.store.restore({ ...old, entries: old.entries.filter((e) => e.key.includes("/host")) });
    await until("it is frozen", () => plane.sentry.frozen !== undefined);
    expect(plane.status.statusOf("host", BASE.h1, 1)).toMatchObject({ state: "degraded" });
    expect(plane.view.ports.size).toBe(intent.ports.size);
    expect(plane.view.ports.get(a2.id)?.addresses).toEqual(["10.0.1.77"]);
    expect(agent.got.slice(got).filter((m) => m.type === "slice" || m.type === "same")).toEqual([]);
    rig.store.restore(old);
    await plane.sentry.accept();
    await until("the host follows", () => addresses(agent).includes(a2.addresses[0]!));
    expect(agent.slices.get("hosts")!.epoch).toBeGreaterThan(epoch);
  });

  it("that have all started anew hear the hosts before they write, and freeze on what those hold", async () => {
    const first = await rig.controller();
    const agent = new FakeAgent(first.address, "h1");
    await until("all slices came", () => agent.slices.size === 7);
    const old = rig.store.copy();
    await put(rig.store, "ports", [{ ...a2, addresses: ["10.0.1.77"] }]);
    await until("the change came", () => addresses(agent).includes("10.0.1.77"));
    const holds = have(agent);
    agent.close();
    await first.stop();
    // The lease of the one that is gone ends.
    rig.store.restore({ ...old, entries: old.entries.filter(({ key }) => !key.startsWith(keys.members)) });
    const { plane, address } = await rig.controller("c2");
    const again = new FakeAgent(address, "h1", { have: holds });
    await until("it is told to come back", () => again.closed);
    await until("it is frozen", () => plane.sentry.frozen !== undefined);
    expect(plane.sentry.sentence).toContain("host h1 has seen");
    const later = new FakeAgent(address, "h1", { have: holds });
    await until("it is a member", () => plane.shards.members().members.length > 0);
    expect([...plane.shards.owned()]).toEqual([]);
    expect([...later.slices]).toEqual([]);
    await plane.sentry.accept();
    await until("the host follows", () => addresses(later).includes(a2.addresses[0]!));
    for (const slice of later.slices.values())
      expect(slice.epoch).toBeGreaterThan(Math.max(...holds.map((h) => h.epoch)));
  });

  it("and is empty freeze on the plan of a host that they do not know", async () => {
    const first = await rig.controller();
    const agent = new FakeAgent(first.address, "h1");
    await until("all slices came", () => agent.slices.size === 7);
    const holds = have(agent);
    await first.stop();
    rig.store.restore({ revision: 1, entries: [] });
    const { plane, address } = await rig.controller("c2");
    new FakeAgent(address, "h1", { have: holds });
    await until("it is frozen", () => plane.sentry.frozen !== undefined);
    expect(plane.sentry.frozen).toMatchObject({ store: { epoch: 1 }, by: "host h1" });
  });
});
