import type { SliceId } from "@onehop/core";
import { keys, ManualClock, MemoryStore } from "@onehop/store";
import { IntentBuilder } from "@onehop/testkit/intent_builder";
import { Registry } from "prom-client";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { controlMetrics, makeMeters } from "../src/metrics.ts";
import { Claims } from "../src/shards/claims.ts";
import { chosenFor } from "../src/shards/rendezvous.ts";
import { Roster } from "../src/shards/roster.ts";
import { Rounds } from "../src/shards/rounds.ts";
import { FakeAgent, put, putIntent, Rig, until } from "./rig.ts";
import { BASE, PROJECT } from "./states.ts";

const { intent, h1, front, back, a2, twin } = BASE;

describe("rendezvous hashing", () => {
  const shards = Array.from({ length: 2000 }, (_, n) => `vpc/${n}`);

  it("splits shards evenly among members (D6)", () => {
    const members = ["c1", "c2", "c3", "c4"];
    const chosen = shards.map((shard) => chosenFor(shard, members));
    for (const member of members) {
      const count = chosen.filter((name) => name === member).length;
      expect(Math.abs(count - 500)).toBeLessThan(75);
    }
  });

  it("moves nothing but the share of a member that goes", () => {
    for (const shard of shards) {
      const before = chosenFor(shard, ["c1", "c2", "c3", "c4"]);
      if (before !== "c4") expect(chosenFor(shard, ["c3", "c1", "c2"])).toBe(before);
    }
    expect(chosenFor("vpc/1", [])).toBeUndefined();
  });
});

describe("several controllers", () => {
  let rig: Rig;
  beforeEach(async () => {
    rig = new Rig();
    await putIntent(rig.store, intent);
  });
  afterEach(() => rig.close());

  type Running = Awaited<ReturnType<Rig["controller"]>>;
  const owners = (id: string, all: readonly Running[]) =>
    all.filter(({ plane }) => plane.shards.epochOf(id as "hosts") !== undefined);
  const isSplit = (all: readonly Running[]) =>
    [...all[0]!.plane.plans.wanted()].every((id) => owners(id, all).length === 1) &&
    all.every(({ plane }) => plane.shards.members().members.length === all.length);
  const started = async (n: number): Promise<Running[]> => {
    const all: Running[] = [];
    for (let i = 1; i <= n; i++) all.push(await rig.controller(`c${i}`));
    await until("everything has one owner", () => isSplit(all));
    return all;
  };
  const connect = (all: readonly Running[], host: string) => all.map(({ address }) => new FakeAgent(address, host));
  /** Slices that came to the host by any of its streams. */
  const held = (streams: readonly FakeAgent[]) => new Set(streams.flatMap((stream) => [...stream.slices.keys()]));

  it("serve a host together, each with what it owns", async () => {
    const all = await started(3);
    const streams = connect(all, "h1");
    await until("all slices came", () => held(streams).size === 7);
    expect(streams.reduce((sum, stream) => sum + stream.slices.size, 0)).toBe(7);
    await until("it knows them all", () => streams.every((s) => s.members.join() === "c1,c2,c3"));
  });

  it("compile and send a change of a network once, at its one owner (Q17, Q18, D6)", async () => {
    const all = await started(3);
    const [one, two] = [connect(all, "h1"), connect(all, "h2")];
    await until("all slices came", () => held(one).size === 7 && held(two).size === 5);
    const compiled = (planes: readonly Running[]) =>
      planes.reduce((sum, { plane }) => sum + Object.values(plane.plans.compiled).reduce((a, b) => a + b, 0), 0);
    const sent = () => all.reduce((sum, { plane }) => sum + (plane.traffic.slices.network ?? 0), 0);
    const [before, sentBefore] = [compiled(all), sent()];
    await put(rig.store, "ports", [{ ...a2, allowed_addresses: ["192.168.7.0/24"] }]);
    await until("both hosts have it", () => sent() === sentBefore + 2);
    expect(compiled(all)).toBe(before + 1);
  });

  it("count of each change how many hosts are interested and how many were told (Q18)", async () => {
    const registry = new Registry();
    const running = await rig.controller("c1", "c1", { meters: makeMeters(registry) });
    controlMetrics(registry, running.plane);
    await until("everything is owned", () => isSplit([running]));
    const streams = [...connect([running], "h1"), ...connect([running], "h2")];
    await until("all slices came", () => held(streams.slice(0, 1)).size === 7 && held(streams.slice(1)).size === 5);
    registry.resetMetrics();
    await put(rig.store, "ports", [{ ...BASE.t1, allowed_addresses: ["192.168.0.0/16"] }]);
    await put(rig.store, "ports", [{ ...a2, allowed_addresses: ["192.168.0.0/16"] }]);
    await until("all have it", () => streams[0]!.got.length === 9 && streams[1]!.got.length === 6);
    const text = await registry.metrics();
    for (const name of ["fan_out", "interested"]) {
      expect(text).toContain(`onehop_controller_${name}_hosts_sum 3`);
      expect(text).toContain(`onehop_controller_${name}_hosts_count 2`);
    }
    expect(text).toContain('onehop_controller_shards{kind="host"} 2');
    expect(text).toContain("onehop_controller_queue_length 0");
  });

  it("hand over to one that joins, with higher epochs and without a gap", async () => {
    const all = await started(1);
    const first = all[0]!.plane;
    const epochs = new Map([...first.plans.wanted()].map((id) => [id, first.shards.epochOf(id)!]));
    all.push(await rig.controller("c2"));
    await until("it is split", () => isSplit(all));
    const moved = [...all[1]!.plane.shards.owned()];
    expect(moved.length).toBeGreaterThan(0);
    for (const id of moved) expect(all[1]!.plane.shards.epochOf(id)).toBeGreaterThan(epochs.get(id)!);
    for (const id of first.shards.owned()) expect(first.shards.epochOf(id)).toBe(epochs.get(id));
  });

  it("say so to hosts when they own a slice no more", async () => {
    const all = await started(1);
    const stream = new FakeAgent(all[0]!.address, "h1");
    await until("all slices came", () => stream.slices.size === 7);
    all.push(await rig.controller("c2"));
    await until("it is split", () => isSplit(all));
    const moved = [...all[1]!.plane.shards.owned()].filter((id) => stream.slices.has(id)).sort();
    const told = () => stream.got.flatMap((m) => (m.type === "released" ? m.ids : [])).sort();
    await until("it is told", () => told().join() === moved.join());
  });

  it("take over from one that leaves, and a host that has everything is told that it is the same (D5)", async () => {
    const all = await started(2);
    const streams = connect(all, "h1");
    await until("all slices came", () => held(streams).size === 7);
    streams[0]!.report([], streams[1]);
    streams[1]!.report([], streams[0]);
    const reported = ({ plane }: Running) => plane.status.statusOf("host", h1, 1).state === "realised";
    await until("it is realised", () => all.every(reported));
    const left = [...all[0]!.plane.shards.owned()].filter((id) => streams[0]!.slices.has(id));
    await all[0]!.stop();
    await until("the other owns all", () => isSplit(all.slice(1)));
    const same = () => streams[1]!.got.flatMap((m) => (m.type === "same" ? [m.id] : []));
    await until("it says so", () => left.every((id) => same().includes(id)));
    expect(streams[1]!.slices.size).toBe(7 - left.length);
    await until("the report stays", () => reported(all[1]!));
  });

  it("send whole what a host says it lacks", async () => {
    const all = await started(1);
    const stream = new FakeAgent(all[0]!.address, "h2");
    await until("all slices came", () => stream.slices.size === 5);
    stream.slices.clear();
    stream.say(JSON.stringify({ type: "lacking", ids: [`network/${front.id}`, `network/${twin.id}`, "vpc/none"] }));
    await until("it came again", () => stream.slices.has(`network/${front.id}`));
    expect([...stream.slices.keys()]).toEqual([`network/${front.id}`]);
  });

  it("claim nothing that no host is interested in, and give back what none is any more", async () => {
    const all = await started(1);
    const claims = async () => (await rig.store.range({ prefix: keys.claims })).entries.map((e) => e.key);
    expect(await claims()).toHaveLength([...all[0]!.plane.plans.wanted()].length);
    expect(await claims()).not.toContain(keys.claim("network/none"));
  });

  it("fence off an object that cannot be compiled, and go on with all others", async () => {
    const all = await started(1);
    const { plane } = all[0]!;
    const stream = new FakeAgent(all[0]!.address, "h1");
    await until("all slices came", () => stream.slices.size === 7);
    const before = plane.plans.slice(`network/${back.id}`);
    const broken = {
      ...BASE.b1,
      get mac(): string {
        throw new Error("no such MAC");
      },
    };
    (plane.view.portsByNetwork.of(back.id) as Map<string, object>).set(BASE.b1.id, broken);
    const other = { ...BASE.b1, id: "00000000-0000-4000-8000-00000000beef", addresses: ["10.0.2.77"] };
    await put(rig.store, "ports", [other]);
    await until("it is fenced off", () => plane.plans.problems === 1);
    expect(plane.status.statusOf("network", back, 1).state).toBe("degraded");
    expect(plane.status.statusOf("network", back, 1).reason).toContain("It cannot be compiled");
    expect(plane.plans.slice(`network/${back.id}`)).toBe(before);
    const got = stream.got.length;
    await put(rig.store, "ports", [{ ...a2, allowed_addresses: ["192.168.9.0/24"] }]);
    await until("another network's change comes", () => stream.got.length > got);
    expect(plane.plans.problems).toBe(1);
  });

  it("go on with all others where an object in the store is none, or is far too large", async () => {
    const { plane, address } = (await started(1))[0]!;
    const stream = new FakeAgent(address, "h1");
    await until("all slices came", () => stream.slices.size === 7);
    const huge = { ...BASE.b1, name: "x".repeat(1_000_000) };
    await put(rig.store, "ports", [huge, { id: BASE.t1.id, spec: "of another version" }]);
    await put(rig.store, "ports", [{ ...a2, allowed_addresses: ["192.168.8.0/24"] }]);
    const front1 = () => stream.slices.get(`network/${front.id}`)?.body;
    await until("the good one's change came", () => JSON.stringify(front1()).includes("192.168.8.0/24"));
    expect([...plane.view.broken.values()].map((b) => b.reason)).toEqual([
      expect.stringContaining("does not fit its description: /name"),
      expect.stringContaining("does not fit its description"),
    ]);
    const error: unknown = await rig.store
      .txn({ compare: [], then: [{ put: keys.object("ports", "x"), value: "x".repeat(10_000_000) }] })
      .catch((e: unknown) => e);
    expect(error).toMatchObject({ code: "too_large" });
  });

  it("keep a VPC's slices while most of its ports seem to be gone, until the store was read again", async () => {
    const make = new IntentBuilder();
    const host = make.host({ name: "big", number: 9, tunnel_address: "192.0.2.9" });
    const big = make.vpc({ project_id: PROJECT, cidrs: ["10.9.0.0/16"], vni: 9000 });
    const network = make.network(big, { cidr: "10.9.0.0/16", gateway: "10.9.0.1", vni: 9001 });
    for (let n = 0; n < 40; n++)
      make.port(network, {
        addresses: [`10.9.1.${n}`],
        mac: `0a:00:00:00:09:${n.toString(16).padStart(2, "0")}`,
        host_id: host.id,
      });
    const more = make.build();
    await putIntent(rig.store, more);
    const { plane } = (await started(1))[0]!;
    const ports = () => {
      const body = plane.plans.slice(`network/${network.id}`)?.body;
      return body?.type === "network" ? body.ports.length : 0;
    };
    expect(ports()).toBe(40);
    let read: () => void = () => undefined;
    const range = rig.store.range.bind(rig.store);
    rig.store.range = async (query) => {
      await new Promise<void>((resolve) => (read = resolve));
      return range(query);
    };
    const then = [...more.ports.keys()].slice(0, 30).map((id) => ({ delete: keys.object("ports", id) }));
    await rig.store.txn({ compare: [], then });
    await until("it is held", () => plane.brake.held === 1);
    expect(ports()).toBe(40);
    expect(plane.status.statusOf("network", network, 1)).toMatchObject({ state: "degraded" });
    rig.store.range = range;
    read();
    await until("it is let go", () => plane.brake.held === 0 && ports() === 10);
  });
});

describe("claims", () => {
  it("that were written over before the store's answer came are not ours", async () => {
    const clock = new ManualClock();
    const store = new MemoryStore({ clock });
    const stopping = new AbortController();
    const roster = new Roster();
    roster.members.set("c1", { name: "c1", agent_address: "", incarnation: "x", revision: 1 });
    const txn = store.txn.bind(store);
    store.txn = async (asked) => {
      const answer = await txn(asked);
      await txn({ compare: [], then: [{ put: keys.claim("vpc/a"), value: "c2" }] });
      const { entries, revision } = await store.range({ prefix: keys.control });
      roster.members.set("c2", { name: "c2", agent_address: "", incarnation: "y", revision: 1 });
      claims.claimsMoved(roster.list(entries, revision).shards);
      return answer;
    };
    const claims = new Claims({
      ...{ store, clock, signal: stopping.signal, roster, self: "c1" },
      ...{ isWanted: () => roster.members.size === 1, isMember: () => true },
      ...{ onGained: () => undefined, onLost: () => undefined },
    });
    claims.consider(["vpc/a"]);
    await clock.advance(10);
    expect([...claims.owned()]).toEqual([]);
    stopping.abort();
    await store.close();
  });

  it("that an owner lost are lost for all of its guarded writes", async () => {
    const clock = new ManualClock();
    const store = new MemoryStore({ clock });
    const stopping = new AbortController();
    const roster = new Roster();
    const lost: string[] = [];
    const claims = new Claims({
      store,
      clock,
      signal: stopping.signal,
      roster,
      self: "c1",
      isWanted: () => true,
      isMember: () => true,
      onGained: () => undefined,
      onLost: (shards) => lost.push(...shards),
    });
    roster.members.set("c1", { name: "c1", agent_address: "", incarnation: "x", revision: 1 });
    claims.consider(["vpc/a"]);
    await clock.advance(10);
    const guard = claims.guard("vpc/a")!;
    expect((await store.txn({ compare: [guard], then: [] })).ok).toBe(true);
    const { revision } = await store.txn({ compare: [], then: [{ put: keys.claim("vpc/a"), value: "c2" }] });
    expect(revision).toBeGreaterThan(claims.revisionOf("vpc/a")!);
    expect((await store.txn({ compare: [guard], then: [] })).ok).toBe(false);
    const { entries, revision: now } = await store.range({ prefix: keys.control });
    roster.members.set("c2", { name: "c2", agent_address: "", incarnation: "y", revision: 1 });
    claims.claimsMoved(roster.list(entries, now).shards);
    expect([lost, claims.guard("vpc/a")]).toEqual([["vpc/a"], undefined]);
    stopping.abort();
    await store.close();
  });
});

describe("rounds", () => {
  it("give each VPC its turn, so that a change of one waits for no thousand slices of another (Q17)", async () => {
    const done: string[] = [];
    // Each takes five milliseconds.
    const clock = { now: () => done.length * 5, after: () => () => undefined };
    const rounds = new Rounds({ clock, work: (id) => done.push(id) && 0 });
    rounds.add(
      "vpc a",
      Array.from({ length: 1000 }, (_, n) => `network/a${n}` as const),
    );
    rounds.add("vpc b", ["network/b"]);
    await until("all is done", () => rounds.length === 0);
    expect(done.indexOf("network/b")).toBeLessThan(5);
    expect(done).toHaveLength(1001);
  });

  it("let a slice that was sent to many hosts rest, and then send what came meanwhile once", async () => {
    const done: SliceId[] = [];
    const clock = new ManualClock();
    const work = (id: SliceId) => {
      done.push(id);
      return id === "network/large" ? 18 : 0;
    };
    const rounds = new Rounds({ clock, work });
    rounds.add("vpc a", ["network/large", "network/small"]);
    await clock.advance(0);
    for (let n = 0; n < 10; n++) {
      rounds.add("vpc a", ["network/large", "network/small"]);
      rounds.add("claims", ["network/large"]);
      await clock.advance(1);
    }
    expect(done.filter((id) => id === "network/large")).toHaveLength(1);
    expect(done.filter((id) => id === "network/small")).toHaveLength(11);
    expect(rounds.length).toBe(1);
    await clock.advance(18 * 10);
    expect(done.filter((id) => id === "network/large")).toHaveLength(2);
    expect(rounds.length).toBe(0);
  });
});
