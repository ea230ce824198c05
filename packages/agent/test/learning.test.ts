import type { FromAgent, HostPlan, Lesson, Lessons, Slice, SliceId, Verdict, VpcLearning } from "@onehop/core";
import { beforeEach, describe, expect, it } from "vitest";
import { FakeKernel } from "../src/kernel/fake.ts";
import { Confirmer } from "../src/learning/confirmer.ts";
import { Learner } from "../src/learning/learner.ts";
import { Wholeness } from "../src/sync/wholeness.ts";
import { addressOf, FakeHost, type PortSpec, planOf, portId } from "./world.ts";

const KEY = { version: 2, current: "aa".repeat(16), former: "bb".repeat(16) };
const LEARNING: VpcLearning = {
  mode: "direct",
  hubs: [1, 3],
  in_sync: [3],
  epoch: 1,
  key: KEY,
  max_learned: 100,
  asks: { rate: 10, burst: 20 },
  port_asks: { rate: 1, burst: 2 },
};
const a1: PortSpec = { name: "a1", host: 1 };
const b1: PortSpec = { name: "b1", host: 1, network: 2 };
const at = (host: number): PortSpec => ({ name: "c2", host, network: 2 });

function learningPlan(host: number, ports: readonly PortSpec[], learning = LEARNING): HostPlan {
  const slices = [...planOf(host, ports)].map(([id, slice]): [typeof id, Slice] => [
    id,
    slice.type === "vpc" ? { ...slice, learning } : slice,
  ]);
  return new Map(slices);
}

describe("the rules of a VPC that learns", () => {
  it("are its hubs in sync, its keys and its limits, and its ports learn", async () => {
    const host = new FakeHost();
    await host.reconciler.run(learningPlan(2, [{ name: "a1", host: 2 }]));
    expect(host.kernel.get("vpc_rules", { vpc: 5000 })).toMatchObject({
      hubs: [3, 0, 0, 0],
      epoch: 1,
      max_learned: 100,
      is_hub: 0,
      fits: 0,
    });
    const keys = { version: 2, former_version: 1, current: KEY.current, former: KEY.former };
    expect(host.kernel.get("vpc_keys", { vpc: 5000 })).toEqual(keys);
    expect(host.kernel.get("endpoints", 0)?.learns).toBe(1);
  });

  it("have entries wait for their confirmation where the VPC wants that", async () => {
    const host = new FakeHost();
    for (const [mode, learns] of [
      ["pushed", 0],
      ["confirmed", 2],
      ["direct", 1],
      ["of a later version", 1],
    ] as const) {
      await host.reconciler.run(learningPlan(2, [{ name: "a1", host: 2 }], { ...LEARNING, mode: mode as "direct" }));
      expect(host.kernel.get("endpoints", 0)?.learns).toBe(learns);
    }
  });

  it("are none of a VPC whose ports are pushed", async () => {
    const host = new FakeHost();
    await host.reconciler.run(planOf(1, [a1]));
    expect([...host.kernel.read("vpc_rules"), ...host.kernel.read("vpc_keys")]).toEqual([]);
    expect(host.kernel.get("endpoints", 0)?.learns).toBe(0);
  });

  it("say where ports are pushed, so that elsewhere only what was learned is looked up", async () => {
    const host = new FakeHost();
    await host.reconciler.run(learningPlan(2, [{ name: "a1", host: 2 }]));
    expect(host.kernel.get("endpoints", 0)?.near).toBe(22);
  });

  it("count more as near before it is pushed, and less only once it is gone", async () => {
    const host = new FakeHost();
    const plan = (networks: readonly SliceId[]): HostPlan => {
      const whole = learningPlan(2, [{ name: "a1", host: 2 }]);
      const own = whole.get("host/h2");
      if (own?.type !== "host") throw new Error("The plan is of another form.");
      const slices = own.slices.filter((id) => !id.startsWith("network/") || networks.includes(id));
      return new Map(whole).set("host/h2", { ...own, slices });
    };
    const changes = async (networks: readonly SliceId[]) => {
      host.takeLog();
      await host.reconciler.run(plan(networks));
      return [
        host.kernel.get("endpoints", 0)?.near,
        ...host.takeLog().filter((line) => /endpoints|destinations/.test(line)),
      ];
    };
    await changes(["network/n1"]);
    expect(await changes(["network/n1", "network/n2"])).toEqual([22, "write endpoints", "write destinations"]);
    expect(await changes(["network/n1"])).toEqual([24, "remove destinations", "write endpoints"]);
  });

  it("need no second write where nothing changed", async () => {
    const host = new FakeHost();
    const plan = learningPlan(1, [a1, at(2)]);
    await host.reconciler.run(plan);
    host.takeLog();
    host.reconciler.distrust();
    await host.reconciler.run(plan);
    expect(host.takeLog()).toEqual([]);
  });

  it("say that a hub's table is whole for as long as it was told, also after the next run", async () => {
    const host = new FakeHost();
    await host.reconciler.run(learningPlan(1, [a1]));
    expect(host.kernel.get("vpc_rules", { vpc: 5000 })).toMatchObject({ is_hub: 1, fits: 1 });
    expect(host.kernel.get("hub_sync", 0)).toBeUndefined();
    host.takeLog();
    host.reconciler.renewSync(77n);
    expect(host.takeLog()).toEqual(["write hub_sync"]);
    await host.reconciler.run(learningPlan(1, [a1, b1]));
    expect(host.kernel.get("hub_sync", 0)).toEqual({ until: 77n });
  });

  it("stay for a while when the last port has left, also with a new agent, so that its packets are passed on", async () => {
    const host = new FakeHost();
    await host.reconciler.run(learningPlan(2, [{ name: "a1", host: 2 }]));
    host.restart();
    await host.reconciler.run(learningPlan(2, []));
    expect(host.kernel.get("vpc_keys", { vpc: 5000 })).toMatchObject({ version: 2 });
    expect(host.kernel.get("vnis", { vni: 5000 })).toMatchObject({ vpc: 5000 });
    expect([...host.kernel.read("endpoints")]).toEqual([]);
    host.now += 300_000;
    await host.reconciler.run(learningPlan(2, []));
    for (const table of ["vpc_keys", "vpc_rules", "vnis"] as const) expect([...host.kernel.read(table)]).toEqual([]);
  });
});

describe("what a host vouches for", () => {
  const own: PortSpec = { name: "a1", host: 2 };
  const other: PortSpec = { name: "a2", host: 2 };
  let host: FakeHost;
  beforeEach(() => {
    host = new FakeHost();
  });
  const rosterOf = async (...given: Parameters<typeof learningPlan>): Promise<number | undefined> => {
    await host.reconciler.run(learningPlan(...given));
    return host.kernel.get("rosters", { vpc: 5000 })?.number;
  };

  it("Q26: is a number that is another where a port comes, goes or is bound anew, and the same where others change", async () => {
    const first = await rosterOf(2, [own]);
    expect(first).toBeGreaterThan(0);
    expect(await rosterOf(2, [own, b1, at(1)])).toBe(first);
    const both = await rosterOf(2, [own, other]);
    const anew = await rosterOf(2, [{ ...own, generation: 99 }, other]);
    const ofNextEpoch = await rosterOf(2, [own], { ...LEARNING, epoch: 2 });
    expect(new Set([first, both, anew, ofNextEpoch]).size).toBe(4);
    expect(await rosterOf(2, [own])).toBe(first);
  });

  it("is another without a port's device", async () => {
    const adopted: PortSpec = { ...other, device: { kind: "adopt", name: "tap0" } };
    host.kernel.addDevice("tap0", "tap");
    const whole = await rosterOf(2, [own, adopted]);
    host.kernel.dropDevice("tap0");
    const without = await rosterOf(2, [own, adopted]);
    expect(without).not.toBe(whole);
    expect(await rosterOf(2, [own])).toBe(without);
  });

  it("is nothing where all is pushed, and once the last port has left", async () => {
    await rosterOf(2, [own]);
    expect(await rosterOf(2, [])).toBeUndefined();
    await host.reconciler.run(planOf(2, [own]));
    expect([...host.kernel.read("rosters")]).toEqual([]);
  });

  it("is taken back before anything of it goes, and said again when all is in place", async () => {
    await rosterOf(2, [own, other]);
    host.takeLog();
    await rosterOf(2, [own]);
    const log = host.takeLog();
    expect([log[0], log.at(-1)]).toEqual(["remove rosters", "write rosters"]);
    expect(log.filter((line) => line.endsWith("rosters"))).toHaveLength(2);
  });

  it("is nothing as long as a change fails half way", async () => {
    await rosterOf(2, [own, other]);
    host.writesLeft = 0;
    const anew = [{ ...own, generation: 2 }];
    await expect(rosterOf(2, anew)).rejects.toThrow();
    expect(host.kernel.get("rosters", { vpc: 5000 })).toBeUndefined();
    expect(await rosterOf(2, anew)).toBeGreaterThan(0);
  });
});

it("what was noted of a VPC that is not served any more is forgotten, and what others know stays", async () => {
  const host = new FakeHost();
  await host.reconciler.run(learningPlan(2, [{ name: "a1", host: 2 }]));
  const { kernel, reconciler } = host;
  const word = { asked: 1n, again: 0n, roster: 7 };
  kernel.write(
    "vouched",
    [5000, 6000].map((vpc) => [{ vpc, host: 1 }, word] as const),
  );
  kernel.write(
    "barred",
    [5000, 6000].map((vpc) => [{ vpc, host: 1 }, { since: 1 }] as const),
  );
  const nothing = () => undefined;
  const learner = new Learner({
    ...{ kernel, reconciler, clock: { now: () => 0, after: () => nothing }, wall: () => 0, whole: () => false },
    ...{ send: nothing, heard: nothing, ping: nothing, onFalse: nothing },
    onError: (error) => {
      throw error;
    },
  });
  learner.start();
  for (const table of ["vouched", "barred"] as const)
    expect([...kernel.read(table)].map(([{ vpc }]) => vpc)).toEqual([5000]);
});

describe("a hub remembers where an address was", () => {
  const key = { vpc: 5000, address: addressOf(at(2)) };
  let host: FakeHost;
  beforeEach(async () => {
    host = new FakeHost();
    await host.reconciler.run(learningPlan(1, [a1, at(2)]));
  });

  it("that has another host now", async () => {
    await host.reconciler.run(learningPlan(1, [a1, at(1)]));
    expect(host.kernel.get("moved", key)).toEqual({ former: 2, until: host.kernel.now() + 300_000_000_000n });
    await host.reconciler.run(learningPlan(1, [a1, at(2)]));
    expect(host.kernel.get("moved", key)).toMatchObject({ former: 1 });
  });

  it("that was nowhere in between", async () => {
    await host.reconciler.run(learningPlan(1, [a1]));
    expect(host.kernel.get("moved", key)).toBeUndefined();
    await host.reconciler.run(learningPlan(1, [a1, at(1)]));
    expect(host.kernel.get("moved", key)).toMatchObject({ former: 2 });
  });

  it("but not for ever, and not where it came back", async () => {
    await host.reconciler.run(learningPlan(1, [a1]));
    host.now += 300_001;
    await host.reconciler.run(learningPlan(1, [a1]));
    await host.reconciler.run(learningPlan(1, [a1, at(1)]));
    expect([...host.kernel.read("moved")]).toEqual([]);
  });
});

describe("confirmation of what was learned", () => {
  const key = { vpc: 5000, address: "10.0.2.9" };
  const claim = { epoch: 1, revision: 20, sequence: 0 };
  let kernel: FakeKernel;
  let sent: FromAgent[];
  let lies: Lesson[];
  let confirmer: Confirmer;
  const learn = (change: object = {}) => {
    const now = kernel.now();
    const times = { used: now, asked: now, taught: now, since: now };
    kernel.write("learned", [[key, { host: 2, roster: 0, packets: 1, claim, port: portId("x"), ...times, ...change }]]);
  };
  const answer = (verdict: Verdict, now: number) =>
    confirmer.receive({ type: "verdicts", id: (sent.at(-1) as Lessons).id, verdicts: [verdict] }, now);

  beforeEach(() => {
    kernel = new FakeKernel();
    sent = [];
    lies = [];
    const send = (message: FromAgent) => void sent.push(message);
    confirmer = new Confirmer({ kernel, send, wall: () => 5000, onFalse: (lesson) => lies.push(lesson) });
    learn();
  });

  it("is asked at once, and every ten seconds while the entry is in use", () => {
    confirmer.ask(0);
    answer({ verdict: "confirmed" }, 0);
    expect(kernel.get("confirmed", key)).toEqual(claim);
    confirmer.ask(9999);
    expect(sent).toHaveLength(1);
    confirmer.ask(10_000);
    expect(sent).toHaveLength(2);
    answer({ verdict: "confirmed" }, 10_000);
    kernel.clock += 11_000_000_000n;
    confirmer.ask(30_000);
    expect(sent).toHaveLength(2);
  });

  it("asks anew where the teacher or the generation is another", () => {
    confirmer.ask(0);
    answer({ verdict: "confirmed" }, 0);
    learn({ claim: { ...claim, revision: 21 } });
    confirmer.ask(500);
    expect((sent[1] as Lessons).lessons[0]?.claim.revision).toBe(21);
  });

  it("removes a false claim, bars its teacher and forgets the floor", () => {
    kernel.write("floors", [[key, claim]]);
    confirmer.ask(0);
    answer({ verdict: "false" }, 0);
    expect([...kernel.read("learned"), ...kernel.read("floors")]).toEqual([]);
    expect([...kernel.read("barred")]).toEqual([[{ vpc: 5000, host: 2 }, { since: 5 }]]);
    expect(lies).toHaveLength(1);
  });

  it("by a verdict that is not understood changes nothing, and is asked for again", () => {
    confirmer.ask(0);
    answer({ verdict: "maybe" } as unknown as Verdict, 0);
    expect([...kernel.read("learned")]).toHaveLength(1);
    expect([...kernel.read("barred")]).toEqual([]);
    confirmer.ask(1000);
    expect(sent).toHaveLength(2);
  });

  it("removes a stale claim and raises the floor, never lowers it", () => {
    const floor = { epoch: 1, revision: 30, sequence: 0 };
    confirmer.ask(0);
    answer({ verdict: "stale", floor }, 0);
    expect([...kernel.read("learned"), ...kernel.read("barred")]).toEqual([]);
    expect(kernel.get("floors", key)).toEqual(floor);
    learn();
    confirmer.ask(11_000);
    answer({ verdict: "stale", floor: { ...floor, revision: 25 } }, 11_000);
    expect(kernel.get("floors", key)).toEqual(floor);
  });

  it("leaves an entry alone that was taught anew meanwhile", () => {
    confirmer.ask(0);
    learn({ host: 3 });
    answer({ verdict: "stale", floor: { ...claim, revision: 21 } }, 0);
    expect([...kernel.read("learned")]).toHaveLength(1);
  });

  it("asks one batch at a time, gives up one without an answer, and takes no answer to another", () => {
    confirmer.ask(0);
    confirmer.ask(4999);
    expect(sent).toHaveLength(1);
    confirmer.ask(5000);
    expect(sent).toHaveLength(2);
    confirmer.receive({ type: "verdicts", id: 1, verdicts: [{ verdict: "false" }] }, 5000);
    expect([...kernel.read("learned")]).toHaveLength(1);
  });

  it("D12: asks about 2,000 entries at a time however many there are, and about new ones first", () => {
    const now = kernel.now();
    const entry = {
      host: 2,
      roster: 0,
      packets: 1,
      claim,
      port: portId("x"),
      used: now,
      asked: now,
      taught: now,
      since: now,
    };
    const many = Array.from({ length: 2999 }, (_, n) => ({ vpc: 5000, address: `10.1.${n >> 8}.${n & 255}` }));
    kernel.write(
      "learned",
      many.map((at) => [at, entry]),
    );
    const asked = (at: number) => {
      confirmer.ask(at);
      const { id, lessons } = sent.at(-1) as Lessons;
      confirmer.receive({ type: "verdicts", id, verdicts: lessons.map(() => ({ verdict: "confirmed" })) }, at);
      return lessons;
    };
    expect([asked(0), asked(500)].map((lessons) => lessons.length)).toEqual([2000, 1000]);
    const newest = { vpc: 5000, address: "10.9.9.9" };
    kernel.write("learned", [[newest, entry]]);
    expect(asked(20_000)[0]).toMatchObject(newest);
  });

  it("of an entry that is gone is forgotten", () => {
    confirmer.ask(0);
    answer({ verdict: "confirmed" }, 0);
    kernel.remove("learned", [key]);
    confirmer.ask(500);
    expect([...kernel.read("confirmed")]).toEqual([]);
  });
});

describe("a host's plan is whole", () => {
  const held = (id: "hosts" | `vpc/${string}`) => ({ id, epoch: 1, generation: 1, hash: "h" });

  it("when the present stream sent or confirmed each of its slices", () => {
    const wholeness = new Wholeness<string>();
    expect(wholeness.covers([])).toBe(false);
    wholeness.confirm("hosts", "c1");
    expect(wholeness.covers([held("hosts"), held("vpc/v")])).toBe(false);
    wholeness.confirm("vpc/v", "c2");
    expect(wholeness.covers([held("hosts"), held("vpc/v")])).toBe(true);
    wholeness.release(["vpc/v"], "c1");
    expect(wholeness.covers([held("vpc/v")])).toBe(true);
    wholeness.ended("c2");
    expect(wholeness.covers([held("hosts"), held("vpc/v")])).toBe(false);
  });
});
