import type { Intent } from "@onehop/core";
import { IntentView, keys, MemoryStore, systemClock } from "@onehop/store";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { liveIndexes, Plans } from "../src/compile/index.ts";
import { Facts, followKeys } from "../src/learning/facts.ts";
import { Keeper } from "../src/learning/keeper.ts";
import { Reports } from "../src/realise/reports.ts";
import { seeded } from "./api/fixture.ts";
import { putIntent, until } from "./rig.ts";
import { BASE } from "./states.ts";

const { h1, h2, vpc, intent } = BASE;
const hub = (n: number) => ({
  ...h1,
  id: `00000000-0000-4000-8000-00000000000${n}`,
  ...{ name: `h${n}`, number: n, tunnel_address: `192.0.2.${n}`, roles: ["hub" as const] },
});
const HUBS = [hub(8), hub(9)];

/** A store with one VPC's hosts and ports, what follows it, and the keeper of its keys. */
class World {
  readonly store = new MemoryStore();
  readonly end = new AbortController();
  readonly reports = new Reports();
  readonly facts = new Facts(this.reports);
  readonly errors: unknown[] = [];
  view!: IntentView;
  plans!: Plans;
  keeper!: Keeper;

  async open(from: Intent): Promise<this> {
    const { store, facts, reports } = this;
    await putIntent(store, from);
    const onError = (error: unknown) => void this.errors.push(error);
    const common = { store, clock: systemClock, signal: this.end.signal, onError };
    this.view = await IntentView.open(common);
    const indexed = liveIndexes(this.view, facts);
    this.plans = new Plans(indexed);
    this.view.onChange((changes) => this.plans.follow(changes));
    const more = { view: this.view, indexed, plans: this.plans, reports, facts };
    this.keeper = new Keeper({ ...common, ...more, random: seeded("keeper"), isMine: () => true });
    await followKeys(common, facts, (vpcIds) => {
      this.plans.followKeys(vpcIds);
      this.keeper.look(vpcIds);
    });
    this.keeper.lookAtAll();
    return this;
  }

  /** The host is live, and has what is planned for it now. */
  report(hostId: string): void {
    const slices = [...this.view.hosts.keys()].includes(hostId) ? this.slicesOf(hostId) : [];
    const applied = slices.map((id) => ({ id, epoch: 1, generation: 1, hash: this.plans.slice(id)!.hash }));
    const own = this.plans.slice(`host/${hostId}`)?.body;
    const hub_of = own?.type === "host" ? (own.hub_of ?? []) : [];
    const report = { type: "report", applied, degraded: [], whole: true, hub_of };
    this.reports.apply(keys.report(hostId), JSON.stringify(report));
    this.plans.followSync(this.facts.reported([hostId]));
    this.keeper.reported();
  }
  reportAll(): void {
    for (const id of this.view.hosts.keys()) this.report(id);
  }

  private slicesOf(hostId: string) {
    const own = this.plans.slice(`host/${hostId}`)?.body;
    return own?.type === "host" ? own.slices : [];
  }

  async delete(plural: string, id: string): Promise<void> {
    const { revision } = await this.store.txn({ compare: [], then: [{ delete: keys.object(plural, id) }] });
    await this.view.waitFor(revision);
  }

  async put(plural: string, object: { readonly id: string }): Promise<void> {
    const value = JSON.stringify(object);
    const { revision } = await this.store.txn({ compare: [], then: [{ put: keys.object(plural, object.id), value }] });
    await this.view.waitFor(revision);
  }

  /** Hosts report all that is planned until the VPC has learned. */
  async settle(): Promise<void> {
    await until("the VPC learns", () => {
      this.reportAll();
      return this.facts.stageOf(vpc.id) === "learned";
    });
  }
  get key() {
    return this.facts.storedKey(vpc.id);
  }
  holders(): Record<string, unknown> {
    return Object.fromEntries(this.facts.holders.of(vpc.id));
  }
}

let world: World;
const withHubs: Intent = { ...intent, hosts: new Map([...intent.hosts, ...HUBS.map((h) => [h.id, h] as const)]) };
const open = async (from: Intent) => {
  world = await new World().open(from);
  await until("there is a key", () => world.key !== undefined);
};
afterEach(async () => {
  world.end.abort();
  await world.store.close();
  expect(world.errors).toEqual([]);
});
/** Everything that was begun has been done. */
const rest = async () => {
  for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
};

describe("a VPC whose hubs are declared while its guests talk", () => {
  beforeEach(() => open(intent));
  const learning = () => {
    const body = world.plans.slice(`vpc/${vpc.id}`)?.body;
    return body?.type === "vpc" ? body.learning : undefined;
  };

  it("is pushed until every live hub has its table, and told to all its hosts until they know that it learns", async () => {
    for (const each of [h1.id, h2.id]) world.report(each);
    for (const each of HUBS) await world.put("hosts", each);
    world.report(HUBS[0]!.id);
    // The other one lives, and has only begun to load.
    world.reports.apply(keys.report(HUBS[1]!.id), JSON.stringify({ applied: [], degraded: [], whole: true }));
    await rest();
    expect([world.facts.stageOf(vpc.id), learning()?.mode]).toEqual(["pushed", "pushed"]);
    for (const each of [h1, ...HUBS]) world.report(each.id);
    await rest();
    // One host has not heard of the key: it would answer nobody.
    expect(world.facts.stageOf(vpc.id)).toBe("pushed");
    world.reportAll();
    await until("it learns", () => world.facts.stageOf(vpc.id) === "both");
    expect(learning()?.in_sync).toEqual([8, 9]);
    const hears = (host: string) => [...world.plans.hostsOf(`network/${BASE.back.id}`)].includes(host);
    expect(hears(h2.id)).toBe(true);
    for (const each of [h1, ...HUBS]) world.report(each.id);
    await rest();
    expect([world.facts.stageOf(vpc.id), hears(h2.id)]).toEqual(["both", true]);
    world.report(h2.id);
    await until("nobody is told more than it needs", () => world.facts.stageOf(vpc.id) === "learned");
    expect(hears(h2.id)).toBe(false);
  });

  it("begins with the hubs that live, and goes on learning when one, or all, are dead", async () => {
    for (const each of HUBS) await world.put("hosts", each);
    for (const each of [h1, h2]) world.report(each.id);
    await until("it learns", () => {
      for (const each of [h1, h2, HUBS[0]!]) world.report(each.id);
      return world.facts.stageOf(vpc.id) === "learned";
    });
    expect(learning()?.in_sync).toEqual([8]);
    world.reports.apply(keys.report(HUBS[0]!.id), undefined);
    world.plans.followSync(world.facts.reported([HUBS[0]!.id]));
    world.keeper.lookAtAll();
    await rest();
    expect([world.facts.stageOf(vpc.id), learning()?.in_sync]).toEqual(["learned", []]);
  });

  it("is pushed again when its hubs are taken from it, and starts anew with others", async () => {
    for (const each of HUBS) await world.put("hosts", each);
    await world.settle();
    await world.delete("hosts", HUBS[0]!.id);
    await until("it is pushed", () => world.facts.stageOf(vpc.id) === "pushed");
    expect(learning()).toBeUndefined();
    // As agents do when their plan is another.
    world.report(HUBS[1]!.id);
    await world.put("hosts", hub(7));
    await rest();
    expect(world.facts.stageOf(vpc.id)).toBe("pushed");
  });
});

describe("who was given a VPC's key", () => {
  beforeEach(async () => {
    await open(withHubs);
    await world.settle();
    await until("all are noted", () => Object.keys(world.holders()).length === 4);
  });
  const unbind = async () => {
    for (const port of [BASE.a2]) {
      const { host_id: _host, ...unbound } = port;
      await world.put("ports", unbound);
    }
    await until("it is noted", () => world.holders()[h2.id] === world.key?.version);
  };

  it("is in the store, and so is what a host knew that serves it no more, and that it answers with that for a while", async () => {
    expect(new Set(Object.values(world.holders()))).toEqual(new Set(["serves"]));
    await unbind();
    expect((await world.store.get(keys.keyLingerer(vpc.id, h2.id)))?.value).toBe("1");
    await world.put("ports", BASE.a2);
    await until("it serves again", () => world.holders()[h2.id] === "serves");
    expect(await world.store.get(keys.keyLingerer(vpc.id, h2.id))).toBeUndefined();
  });

  it("decides that a host's removal forces a rotation, until no key that it knew is accepted", async () => {
    await unbind();
    expect(world.key?.version).toBe(1);
    await world.delete("hosts", h2.id);
    await until("another key is given", () => world.key?.version === 2);
    await rest();
    // The others have not reported it yet.
    expect(world.key?.version).toBe(2);
    await until("the removed host's key is accepted no more", () => {
      world.reportAll();
      return world.key?.version === 3;
    });
    await until("it is forgotten", () => !(h2.id in world.holders()));
    world.reportAll();
    await rest();
    expect(world.key?.version).toBe(3);
  });

  it("is not waited for when it is removed while it serves", async () => {
    await world.delete("hosts", h2.id);
    await until("another key is given", () => world.key?.version === 2);
    await until("and another", () => {
      world.reportAll();
      return world.key?.version === 3;
    });
  });

  it("is forgotten with the VPC's removal from the hubs' care, as far as it is of no use any more", async () => {
    await unbind();
    for (const wanted of [2, 3]) {
      await world.store.txn({
        compare: [],
        then: [{ put: keys.vpcKey(vpc.id), value: JSON.stringify({ ...world.key, version: wanted }) }],
      });
      await until("it is read", () => world.key?.version === wanted);
      await rest();
    }
    expect(world.holders()).not.toHaveProperty(h2.id);
    expect(Object.keys(world.holders())).toHaveLength(3);
  });
});
