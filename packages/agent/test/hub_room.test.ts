import type { HostPlan, PortPlan, SliceId, VpcLearning } from "@onehop/core";
import { LAYOUT } from "@onehop/datapath/maps.gen";
import { describe, expect, it } from "vitest";
import { deviceName, Lowering, type Rooms } from "../src/lower/index.ts";
import { FakeHost, planOf } from "./world.ts";

const LEARNING: VpcLearning = {
  ...{ mode: "direct", hubs: [1, 2], in_sync: [1, 2], epoch: 1, max_learned: 100 },
  ...{ asks: { rate: 10, burst: 20 }, port_asks: { rate: 1, burst: 2 } },
  key: { version: 1, current: "aa".repeat(16) },
};
const base = planOf(1, [{ name: "a1", host: 1 }]);

/** A hub's plan: the VPC `v`, and one more, `w`, with so many routes. */
function hubPlan(count: number, learning = LEARNING): HostPlan {
  const plan = new Map(base);
  const vpc = plan.get("vpc/v")!;
  const network = plan.get("network/n1")!;
  if (vpc.type !== "vpc" || network.type !== "network") throw new Error("The plan is of another form.");
  const routes = Array.from({ length: count }, (_, n) => ({
    ...{ id: `route-${n}`, next_hop: "10.0.1.5" },
    destination: `172.${16 + (n >> 16)}.${(n >> 8) & 255}.${n & 255}/32`,
  }));
  const own = plan.get("host/h1")!;
  if (own.type !== "host") throw new Error("The plan is of another form.");
  plan.set("vpc/v", { ...vpc, learning });
  plan.set("vpc/w", { ...vpc, vpc_id: "w", vni: 6000, routes, learning: LEARNING });
  plan.set("network/w", { ...network, network_id: "w", vpc_id: "w", vpc_vni: 6000, vni: 6001, ports: [] });
  const slices: SliceId[] = [...own.slices, "vpc/w", "network/w"];
  return plan.set("host/h1", { ...own, slices, hub_of: ["v", "w"] });
}

const fits = (host: FakeHost) => [5000, 6000].map((vpc) => host.kernel.get("vpc_rules", { vpc })?.fits);

describe("a hub", () => {
  it("says of which VPCs it holds the whole tables, also before they learn", async () => {
    const host = new FakeHost();
    expect(await host.reconciler.run(hubPlan(3))).toMatchObject({ state: "done", hub_of: ["v", "w"] });
    expect(fits(host)).toEqual([1, 1]);
    expect(await host.reconciler.run(planOf(1, [{ name: "a1", host: 1 }]))).toMatchObject({ hub_of: [] });
  });

  it("does not call itself whole where a VPC found no room in its tables", async () => {
    const host = new FakeHost();
    const room = LAYOUT.maps.routes!.max_entries;
    expect(await host.reconciler.run(hubPlan(room))).toMatchObject({ state: "done", hub_of: ["v"] });
    expect(fits(host)).toEqual([1, 0]);
    expect(await host.reconciler.run(hubPlan(3))).toMatchObject({ hub_of: ["v", "w"] });
    expect(fits(host)).toEqual([1, 1]);
  });

  it("vouches for nothing of a VPC that found no room", () => {
    const plan = hubPlan(3);
    const network = plan.get("network/n1");
    if (network?.type !== "network") throw new Error("The plan is of another form.");
    const [{ id, device }] = network.ports as [PortPlan];
    const link = { ifindex: 9, name: deviceName(id, device!), kind: "veth", mtu: 1500, up: true } as const;
    const links = new Map([[link.name, link]]);
    const slots = new Map([[id, 0]]);
    const facts = { links, slots, uplinks: [], underlayMtu: 1600, nextHops: new Map(), limits: {} };
    const vouchedFor = (rooms: Rooms) => {
      const lowering = new Lowering(rooms);
      return [...lowering.lower(lowering.open(plan)!, facts).entries.rosters.rows.keys()];
    };
    expect(vouchedFor({})).toEqual(["5000"]);
    expect(vouchedFor({ destinations: 1 })).toEqual([]);
  });
});

it("a key that a controller of another version sent, and that is none, degrades its ports and nothing else", async () => {
  const host = new FakeHost();
  const key = { version: 1, current: "short" };
  const result = await host.reconciler.run(hubPlan(1, { ...LEARNING, key }));
  expect(result).toMatchObject({
    state: "done",
    problems: [{ reason: "The key of its VPC that the controllers sent cannot be read: far ports are not learned." }],
  });
  expect(fits(host)).toEqual([undefined, 1]);
});
