import type { Intent, Lesson, VpcKey } from "@onehop/core";
import { IntentBuilder } from "@onehop/testkit/intent_builder";
import { FollowedPlans } from "@onehop/testkit/recompute";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compileAll, indexed, type LearningFacts, type Stage } from "../src/compile/index.ts";
import { Facts } from "../src/learning/facts.ts";
import { judge } from "../src/learning/judge.ts";
import { Reports } from "../src/realise/reports.ts";
import { BASE, PROJECT, STATES, set } from "./states.ts";

const { intent, h1, h2, vpc, front, back, a1, a2, other } = BASE;
const KEY: VpcKey = { version: 1, current: "0123456789abcdef0123456789abcdef" };

/** The same region with two hubs more, h8 and h9. */
function withHubs(from: Intent): Intent {
  const hub = (n: number) => ({ ...h1, id: `hub-${n}`, name: `h${n}`, number: n, tunnel_address: `192.0.2.${n}` });
  const hosts = new Map(from.hosts);
  for (const n of [8, 9]) hosts.set(`hub-${n}`, { ...hub(n), roles: ["hub"] });
  return { ...from, hosts };
}
const facts = (change: Partial<LearningFacts> = {}): LearningFacts => ({
  epoch: 1,
  keyOf: () => KEY,
  stageOf: () => "learned",
  inSync: () => false,
  ...change,
});
const slicesOf = (host: string, from: Intent, learning = facts()) =>
  [...(compileAll(from, learning).get(host)?.keys() ?? [])].sort();

describe("what hosts hear of a VPC that learns", () => {
  const learning = withHubs(set(intent, "ports", BASE.b1.id, { host_id: h2.id }));

  it("is the networks they have a port in, and no other network of the VPC (Q16)", () => {
    expect(slicesOf(h1.id, learning)).toEqual(
      [
        `host/${h1.id}`,
        "hosts",
        `vpc/${vpc.id}`,
        `network/${front.id}`,
        `vpc/${other.id}`,
        `network/${BASE.twin.id}`,
      ].sort(),
    );
  });

  it("is everything at a hub, of every VPC", () => {
    const all = [vpc, other].map((v) => `vpc/${v.id}`);
    const networks = [front, back, BASE.twin].map((n) => `network/${n.id}`);
    expect(slicesOf("hub-8", learning)).toEqual(["host/hub-8", "hosts", ...all, ...networks].sort());
  });

  it("is everything, at all its hosts, with one hub only, or without a key", () => {
    const one = new Map(learning.hosts);
    one.delete("hub-9");
    expect(slicesOf(h1.id, { ...learning, hosts: one })).toContain(`network/${back.id}`);
    expect(slicesOf(h1.id, learning, facts({ keyOf: () => undefined }))).toContain(`network/${back.id}`);
  });

  it("is everything while its hubs load the table, and while hosts hear of them", () => {
    const both = compileAll(learning, facts({ stageOf: () => "both" })).get(h1.id);
    expect([...(both?.keys() ?? [])]).toContain(`network/${back.id}`);
    expect(both?.get(`vpc/${vpc.id}`)).toHaveProperty("learning");
    const pushed = compileAll(learning, facts({ stageOf: () => "pushed" }));
    expect([...(pushed.get(h1.id)?.keys() ?? [])]).toContain(`network/${back.id}`);
    expect(pushed.get(h1.id)?.get(`vpc/${vpc.id}`)).toMatchObject({ learning: { mode: "pushed", key: KEY } });
    expect([...(pushed.get("hub-8")?.keys() ?? [])]).toContain(`network/${back.id}`);
  });

  it("says at a hub which VPCs it is a hub of, and at no other host", () => {
    const plans = compileAll(learning, facts({ stageOf: () => "pushed" }));
    expect(plans.get("hub-8")?.get("host/hub-8")).toMatchObject({ hub_of: [vpc.id, other.id].sort() });
    expect(plans.get(h1.id)?.get(`host/${h1.id}`)).not.toHaveProperty("hub_of");
  });

  it("carries the mode that the VPC wants", () => {
    const strict = set(learning, "vpcs", vpc.id, { learning: "confirmed" });
    const slice = compileAll(strict, facts()).get(h1.id)?.get(`vpc/${vpc.id}`);
    expect(slice?.type === "vpc" && slice.learning?.mode).toBe("confirmed");
  });

  it("has as much room as an admin gave the VPC", () => {
    const small = set(learning, "vpcs", vpc.id, { max_learned: 100 });
    const slice = compileAll(small, facts()).get(h1.id)?.get(`vpc/${vpc.id}`);
    expect(slice?.type === "vpc" && slice.learning?.max_learned).toBe(100);
  });

  it("names only hubs that have the whole table, and carries the key to nobody else than hosts that serve the VPC", () => {
    const plans = compileAll(learning, facts({ inSync: (hub, id) => hub === "hub-9" && id === vpc.id }));
    const slice = plans.get(h1.id)?.get(`vpc/${vpc.id}`);
    expect(slice?.type === "vpc" && slice.learning).toMatchObject({ hubs: [8, 9], in_sync: [9], key: KEY });
    expect(JSON.stringify([...(plans.get(h2.id)?.values() ?? [])])).not.toContain(`"vpc_id":"${other.id}"`);
  });

  it("spreads over four hubs of many, and moves few when one comes", () => {
    const make = new IntentBuilder();
    const hubs = Array.from({ length: 12 }, (_, n) =>
      make.host({ number: n + 1, tunnel_address: `192.0.2.${n + 1}`, roles: ["hub"] }),
    );
    const vpcs = Array.from({ length: 60 }, (_, n) =>
      make.vpc({ project_id: PROJECT, cidrs: ["10.0.0.0/16"], vni: 9000 + n }),
    );
    const before = make.build();
    const hubsAt = (i: Intent) => {
      const plans = compileAll(i, facts());
      return vpcs.map((v) => hubs.filter((h) => plans.get(h.id)?.has(`vpc/${v.id}`)).map((h) => h.number));
    };
    const then = hubsAt(before);
    expect(new Set(then.map((h) => h.length))).toEqual(new Set([4]));
    const fewer = new Map(before.hosts);
    fewer.delete(hubs[0]!.id);
    const now = hubsAt({ ...before, hosts: fewer });
    for (const [i, was] of then.entries())
      expect(now[i]!.filter((n) => !was.includes(n)).length).toBe(was.includes(1) ? 1 : 0);
  });
});

describe("incremental plans with hubs equal a full recompute", () => {
  const names = Object.keys(STATES);
  const steps = fc.array(
    fc.oneof(
      fc.record({ kind: fc.constant("state" as const), name: fc.constantFrom(...names), hubs: fc.boolean() }),
      fc.record({ kind: fc.constant("sync" as const), hubs: fc.subarray(["hub-8", "hub-9"]) }),
      fc.record({
        kind: fc.constant("keys" as const),
        ids: fc.subarray([vpc.id, other.id]),
        version: fc.nat({ max: 3 }),
        stage: fc.constantFrom("pushed" as const, "both" as const, "learned" as const),
      }),
    ),
    { maxLength: 14 },
  );

  it("after random walks of states, keys and hubs in and out of sync", () => {
    fc.assert(
      fc.property(steps, (walk) => {
        const followed = new FollowedPlans();
        let sync: readonly string[] = [];
        let keys: readonly string[] = [];
        let version = 1;
        let stage: Stage = "pushed";
        const now = () => {
          const [synced, keyed, v, at] = [sync, keys, version, stage];
          return facts({
            inSync: (hub) => synced.includes(hub),
            keyOf: (id) => (keyed.includes(id) ? { ...KEY, version: v } : undefined),
            stageOf: () => at,
          });
        };
        for (const step of walk) {
          if (step.kind === "state") {
            const state = STATES[step.name] as Intent;
            followed.moveTo(step.hubs ? withHubs(state) : state);
          } else if (step.kind === "sync") {
            sync = step.hubs;
            followed.learn(now(), { sync: [vpc.id, other.id] });
          } else {
            keys = step.ids;
            version = step.version;
            stage = step.stage;
            followed.learn(now(), { keys: [vpc.id, other.id] });
          }
        }
      }),
      { numRuns: 400 },
    );
  });
});

describe("judging what was learned", () => {
  const view = indexed({ ...intent, revision: 100 }, facts({ epoch: 2 }));
  const lesson = (change: Partial<Lesson> = {}, claim: Partial<Lesson["claim"]> = {}): Lesson => ({
    vpc: vpc.vni,
    address: a2.addresses[0]!,
    host: h2.number,
    port: a2.id,
    ...change,
    claim: { epoch: 2, revision: a2.binding_revision, sequence: 0, ...claim },
  });
  const verdict = (l: Lesson, stored = 100) => judge([l], { view, stored })[0];
  const rows: [string, Lesson, object, number?][] = [
    ["what is bound there by that very binding is confirmed", lesson(), { verdict: "confirmed" }],
    ["a claim above the binding is false", lesson({}, { revision: a2.binding_revision + 1 }), { verdict: "false" }],
    ["a claim in another host's stead is false", lesson({ host: h1.number }), { verdict: "false" }],
    ["another port's claim of the address is false", lesson({ port: a1.id }), { verdict: "false" }],
    ["a claim sequence that nobody gave is false", lesson({}, { sequence: 1 }), { verdict: "false" }],
    ["an epoch to come is false", lesson({}, { epoch: 3 }), { verdict: "false" }],
    ["a revision that the store never had is false", lesson({}, { revision: 5000 }), { verdict: "false" }],
    ["one not read yet is judged later", lesson({}, { revision: 150 }), { verdict: "later" }, 200],
    [
      "a claim below the binding is stale, and the floor is raised",
      lesson({}, { revision: a2.binding_revision - 1 }),
      { verdict: "stale", floor: { epoch: 2, revision: a2.binding_revision, sequence: 0 } },
    ],
    ["an epoch gone by is stale", lesson({}, { epoch: 1, revision: 999 }), { verdict: "stale" }, 1000],
    [
      "an epoch gone by is stale also where the restored store never had its revision: nobody is barred for a restore",
      lesson({}, { epoch: 1, revision: 999 }),
      { verdict: "stale", floor: { epoch: 2 } },
    ],
    [
      "a claim of an address that nobody has is stale",
      lesson({ address: "10.0.1.99" }, { revision: 50 }),
      { verdict: "stale", floor: { epoch: 2, revision: 51, sequence: 0 } },
    ],
    ["a claim in another VPC is not confirmed", lesson({ vpc: 12345 }, { revision: 50 }), { verdict: "stale" }],
    ["an address that is none is not confirmed", lesson({ address: "x" }, { revision: 50 }), { verdict: "stale" }],
  ];
  for (const [title, claim, wanted, stored] of rows)
    it(title, () => expect(verdict(claim, stored)).toMatchObject(wanted));

  it("is put off while the epoch is frozen, or cannot be read", () => {
    const said: string[] = [];
    const stored = new Facts(new Reports(), (sentence) => said.push(sentence));
    const now = () => {
      const learning = indexed({ ...intent, revision: 100 }, stored);
      return judge([lesson({}, { revision: 5000 })], { view: learning, stored: 100 })[0]?.verdict;
    };
    stored.setEpoch("2");
    expect(now()).toBe("false");
    for (const text of ["3 frozen", "soon", "0", "-1", "1e9"]) {
      stored.setEpoch(text);
      expect(now()).toBe("later");
    }
    expect([stored.epoch, said.length]).toEqual([3, 4]);
    stored.setEpoch("3");
    expect(now()).toBe("stale");
  });
});
