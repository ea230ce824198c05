import type { At, Port } from "@onehop/core";
import { keys } from "@onehop/store";
import { IntentBuilder } from "@onehop/testkit/intent_builder";
import { expectRecomputeEqual } from "@onehop/testkit/recompute";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { ControlPlane } from "../src/control_plane.ts";
import { FakeAgent, put, putIntent, Rig, until } from "./rig.ts";
import { BASE, PROJECT } from "./states.ts";

const { intent, h1, h2, vpc, front, back, a1, a2, b1, t2 } = BASE;
let rig: Rig;
beforeEach(() => {
  rig = new Rig();
});
afterEach(() => rig.close());

async function started() {
  await putIntent(rig.store, intent);
  const one = await rig.controller();
  await until("everything is owned", () => ownsAll(one.plane));
  return one;
}
const ownsAll = ({ plans, shards }: ControlPlane) =>
  [...plans.wanted()].every((id) => shards.epochOf(id) !== undefined);
const ownsAllOf = (...planes: ControlPlane[]) =>
  [...planes[0]!.plans.wanted()].every((id) => planes.some((plane) => plane.shards.epochOf(id) !== undefined));
const has = (agent: FakeAgent, ...ids: string[]) => ids.every((id) => agent.slices.has(id));

describe("the agents' stream", () => {
  it("sends a host the slices that concern it, its own first", async () => {
    const { address } = await started();
    const agent = new FakeAgent(address, "h2");
    await until("all slices came", () => agent.slices.size === 5);
    expect([...agent.slices.keys()].slice(0, 2)).toEqual([`host/${h2.id}`, "hosts"]);
    expect(has(agent, `vpc/${vpc.id}`, `network/${front.id}`, `network/${back.id}`)).toBe(true);
  });

  it("sends `same` for what the host has already", async () => {
    const { address, plane } = await started();
    const first = new FakeAgent(address, "h2");
    await until("all slices came", () => first.slices.size === 5);
    first.close();
    const sent = { ...plane.traffic.slices };
    const second = new FakeAgent(address, h2.id, { have: [...first.slices.values()] });
    await until("all were greeted", () => second.got.length === 5);
    expect(second.got.map((m) => m.type)).toEqual(Array(5).fill("same"));
    expect(plane.traffic.slices).toEqual(sent);
  });

  it("refuses a host that is not known, and a version that is not spoken", async () => {
    const { address } = await started();
    const agent = new FakeAgent(address, "h9");
    await until("it is refused", () => agent.closed);
    expect(agent.got).toEqual([{ type: "refused", code: "unknown_host", message: 'There is no host "h9".' }]);
    const old = new FakeAgent(address, "h1", { version: 1 });
    await until("it is refused", () => old.closed);
    const message = "This controller speaks version 4 of the agents' protocol, not 1.";
    expect(old.got).toEqual([{ type: "refused", code: "wrong_version", message }]);
  });

  it("ends where a host sends what no agent sends, and harms nobody else", async () => {
    const { address, plane } = await started();
    const [odd, other] = [new FakeAgent(address, "h1"), new FakeAgent(address, "h2")];
    await until("all slices came", () => odd.slices.size === 7 && other.slices.size === 5);
    odd.say('{"type":"report","applied":[null],"degraded":[null]}');
    await until("it is ended", () => odd.closed);
    other.report();
    await until("h2 is realised", () => plane.status.statusOf("host", h2, 1).state === "realised");
  });

  it("takes of a report what is new since the one before", async () => {
    const { address, plane } = await started();
    const agent = new FakeAgent(address, "h2");
    await until("all slices came", () => agent.slices.size === 5);
    agent.report();
    const state = () => plane.status.statusOf("host", h2, 1).state;
    await until("h2 is realised", () => state() === "realised");
    const { id, epoch, generation, hash } = [...agent.slices.values()].find((slice) =>
      slice.id.startsWith("network/"),
    )!;
    const news = (applied: object[], gone: string[]) =>
      agent.say(JSON.stringify({ type: "report", applied, degraded: [], gone }));
    news([], [id]);
    await until("one slice is missing", () => state() === "pending");
    news([{ id, epoch, generation, hash }], []);
    await until("all is there again", () => state() === "realised");
    news([{ id, epoch, generation, hash: "another" }], []);
    await until("one has another content", () => state() === "pending");
    agent.report();
    await until("all is said at once, and well", () => state() === "realised");
    agent.slices.delete(id);
    agent.report();
    await until("all is said at once, without one", () => state() === "pending");
  });

  it("keeps of a report no more than a bound, whatever a host in other hands names at once", async () => {
    const { address } = await started();
    const agent = new FakeAgent(address, "h2");
    await until("all slices came", () => agent.slices.size === 5);
    const applied = Array.from({ length: 5000 }, (_, n) => ({ id: `vpc/${n}`, epoch: 1, generation: 1, hash: "h" }));
    agent.say(JSON.stringify({ type: "report", applied, degraded: [] }));
    let kept = 0;
    await vi.waitFor(async () => {
      const stored = await rig.store.get(keys.report(h2.id));
      kept = JSON.parse(stored!.value).applied.length;
    });
    expect(kept).toBe(2 * 5 + 1000);
  });

  it("sends a change to the hosts interested in it and to nobody else (Q16)", async () => {
    const { address, plane } = await started();
    const agents = [new FakeAgent(address, "h1"), new FakeAgent(address, "h2")];
    await until("all slices came", () => agents[0]!.slices.size === 7 && agents[1]!.slices.size === 5);
    const sent = { ...plane.traffic.slices };
    // The twin VPC has a port on h1 only.
    await put(rig.store, "ports", [{ ...BASE.t1, allowed_addresses: ["192.168.0.0/16"] }]);
    await until("h1 has it", () => agents[0]!.got.length === 8);
    expect(agents[1]!.got.length).toBe(5);
    expect(plane.traffic.slices).toEqual({ ...sent, network: (sent.network ?? 0) + 1 });
  });

  it("sends what differs to a host that has the content before, and all to one that has not", async () => {
    const { address } = await started();
    const agent = new FakeAgent(address, "h2");
    await until("all slices came", () => agent.slices.size === 5);
    const id = `network/${front.id}`;
    const come = (n: number) => until("it came", () => agent.got.length === n);
    await put(rig.store, "ports", [{ ...a1, allowed_addresses: ["192.168.0.0/16"] }]);
    await come(6);
    expect(agent.got[5]).toMatchObject({ type: "difference", id, difference: { rows: [{ id: a1.id }], gone: [] } });
    const { host_id: _, ...unbound } = a1;
    await put(rig.store, "ports", [unbound]);
    await come(7);
    expect(agent.got[6]).toMatchObject({ type: "difference", id, difference: { rows: [], gone: [a1.id] } });
    agent.slices.delete(id);
    await put(rig.store, "ports", [a1]);
    await come(9);
    expect(agent.got.slice(7)).toMatchObject([
      { type: "difference", id },
      { type: "slice", id },
    ]);
  });

  it("sends a network again to a host that lost interest in it and regained it", async () => {
    const { address } = await started();
    const agent = new FakeAgent(address, "h2");
    await until("all slices came", () => agent.slices.size === 5);
    const { host_id: _, ...unbound } = a2;
    await put(rig.store, "ports", [unbound]);
    await until("the host's own slice shrank", () => agent.got.length === 6);
    agent.slices.delete(`vpc/${vpc.id}`);
    await put(rig.store, "ports", [a2]);
    await until("the VPC came again", () => has(agent, `vpc/${vpc.id}`));
  });

  it("answers a user's question through the host's agent", async () => {
    const { address, plane } = await started();
    await expect(plane.status.query(h1.id, "host")).rejects.toMatchObject({ code: "host_unreachable" });
    const agent = new FakeAgent(address, "h1");
    await until("it is connected", () => plane.connected === 1);
    await expect(plane.status.query(h1.id, "counters", a1.id)).resolves.toEqual({ what: "counters" });
    agent.close();
  });
});

describe("the work of one change", () => {
  it("is one network's slice when a port joins a VPC of 10,000 ports (Q10)", async () => {
    const make = new IntentBuilder();
    const hosts = [1, 2, 3].map((n) => make.host({ name: `h${n}`, number: n, tunnel_address: `192.0.2.${n}` }));
    const big = make.vpc({ project_id: PROJECT, cidrs: ["10.0.0.0/8"], vni: 5000 });
    const networks = Array.from({ length: 10 }, (_, n) =>
      make.network(big, { cidr: `10.${n}.0.0/16`, gateway: `10.${n}.0.1`, vni: 5001 + n }),
    );
    const portOf = (n: number) => ({
      addresses: [`10.${n % 10}.${(n >> 8) + 1}.${n & 255}`],
      mac: `0a:00:00:00:${(n >> 8).toString(16).padStart(2, "0")}:${(n & 255).toString(16).padStart(2, "0")}`,
      host_id: hosts[n % 3]!.id,
    });
    for (let n = 0; n < 10_000; n++) make.port(networks[n % 10]!, portOf(n));
    const joins: At<Port> = make.port(networks[4]!, portOf(10_004));
    const all = make.build();
    const ports = new Map(all.ports);
    ports.delete(joins.id);
    await putIntent(rig.store, { ...all, ports });
    const { plane, address } = await rig.controller();
    await until("everything is owned", () => ownsAll(plane));
    const agents = hosts.map((h) => new FakeAgent(address, h.name));
    await until("all slices came", () => agents.every((a) => a.slices.size === 13));
    const [compiled, sent] = [{ ...plane.plans.compiled }, { ...plane.traffic.slices }];

    const revision = await put(rig.store, "ports", [joins]);
    await until("it is compiled", () => plane.plans.revision >= revision);
    await until("all hosts have it", () => agents.every((a) => a.got.length === 14));

    expect(plane.plans.compiled).toEqual({ ...compiled, network: compiled.network! + 1 });
    expect(plane.traffic.slices).toEqual({ ...sent, network: sent.network! + hosts.length });
    expect(agents.map((a) => (a.got.at(-1) as { id?: string }).id)).toEqual(
      hosts.map(() => `network/${networks[4]!.id}`),
    );
    expectRecomputeEqual(plane.plans, plane.view);
  });
});

describe("status", () => {
  it("goes from degraded over pending to realised as agents connect, receive and report", async () => {
    const { plane, address } = await started();
    const state = () => plane.status.statusOf("port", a1, 1).state;
    expect(plane.status.statusOf("port", a1, 1).reason).toContain("is not connected");
    const agents = [new FakeAgent(address, "h1"), new FakeAgent(address, "h2")];
    await until("all slices came", () => agents[0]!.slices.size === 7 && agents[1]!.slices.size === 5);
    for (const agent of agents) agent.report();
    await until("it is realised", () => state() === "realised");
    expect(plane.status.statusOf("vpc", vpc, 1).state).toBe("realised");
    expect(plane.status.statusOf("host", h1, 1).state).toBe("realised");
    expect(plane.status.statusOf("port", t2, 1).state).toBe("realised");

    const changed = { ...b1, allowed_addresses: ["192.168.0.0/16"] };
    const revision = await put(rig.store, "ports", [changed]);
    expect(plane.status.statusOf("port", changed, revision).state).toBe("pending");
    await until("the change is compiled", () => plane.plans.revision >= revision);
    expect(plane.status.statusOf("port", changed, revision).state).toBe("pending");
    agents[0]!.report();
    agents[1]!.report();
    await until("the change is realised", () => plane.status.statusOf("port", changed, revision).state === "realised");
  });

  it("of a port is degraded with what its host says of it", async () => {
    const { plane, address } = await started();
    const agents = [new FakeAgent(address, "h1"), new FakeAgent(address, "h2")];
    await until("all slices came", () => agents[0]!.slices.size === 7 && agents[1]!.slices.size === 5);
    agents[0]!.report([{ port_id: a1.id, reason: "Its device p7 is not there." }]);
    agents[1]!.report();
    await until("both reported", () => plane.status.statusOf("port", b1, 1).state === "realised");
    expect(plane.status.statusOf("port", a1, 1)).toMatchObject({
      state: "degraded",
      reason: "Its device p7 is not there.",
    });
  });

  it("of a broken object is degraded and says why", async () => {
    await started();
    const lost = { ...a1, network_id: "00000000-0000-4000-8000-00000000dead" };
    const { plane } = await rig.controller("c2");
    expect(plane.status.statusOf("port", lost, 1)).toMatchObject({ state: "degraded" });
  });

  it("is the same at a controller that serves no agent", async () => {
    const { plane, address } = await started();
    const second = await rig.controller("c2");
    const agents = ["h1", "h2"].flatMap((h) => [new FakeAgent(address, h), new FakeAgent(second.address, h)]);
    const all = () => agents.map((a) => a.slices.size);
    await until("all slices came", () => {
      const [a, b, c, d] = all() as [number, number, number, number];
      return a + b >= 7 && c + d >= 5 && ownsAllOf(plane, second.plane);
    });
    for (const [i, agent] of agents.entries()) agent.report([], agents[i ^ 1]);
    for (const { status } of [plane, second.plane])
      await until("it is seen to be realised", () => status.statusOf("port", a1, 1).state === "realised");
  });
});
