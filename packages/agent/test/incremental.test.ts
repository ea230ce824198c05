import { GATEWAY_MAC, type HostPlan, type PortPlan, type Slice, type SliceId } from "@onehop/core";
import fc from "fast-check";
import { expect, it } from "vitest";
import {
  type Entries,
  type Facts,
  KEY_TEXT,
  Lowering,
  merged,
  type Part,
  type Rooms,
  TABLE_NAMES,
  Table,
} from "../src/lower/index.ts";
import { DeltaTracker } from "../src/reconcile/delta_tracker.ts";
import { FakeHost, knownHost, portId } from "./world.ts";

/** Four networks in two VPCs, whose ports may claim the same addresses and MACs. */
const NETWORKS = [0, 1, 2, 3] as const;
const vpcOf = (n: number) => (n < 3 ? "v" : "w");
const VNI = { v: 5000, w: 6000 } as const;

const ports = fc.uniqueArray(
  fc.record({
    n: fc.integer({ min: 1, max: 9 }),
    host: fc.integer({ min: 1, max: 3 }),
    address: fc.integer({ min: 1, max: 8 }),
    ranges: fc.subarray(["172.16.0.0/12", "10.9.0.0/16"]),
  }),
  { selector: ({ n }) => n, maxLength: 6 },
);
type Ports = typeof ports extends fc.Arbitrary<infer T> ? T : never;

/** One slice changes, as slices do: another object in its place. */
const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant("network"), n: fc.constantFrom(...NETWORKS), ports }) },
  fc.record({ kind: fc.constant("gone"), n: fc.constantFrom(...NETWORKS) }),
  fc.record({ kind: fc.constant("hosts"), hosts: fc.subarray([2, 3]) }),
  fc.record({ kind: fc.constant("vpc"), vpc: fc.constantFrom("v", "w"), hub: fc.boolean() }),
  fc.record({ kind: fc.constant("same") }),
  fc.record({ kind: fc.constant("meddled") }),
  fc.record({ kind: fc.constant("refused"), after: fc.integer({ min: 0, max: 6 }) }),
) as fc.Arbitrary<Step>;
type Step =
  | { readonly kind: "network"; readonly n: number; readonly ports: Ports }
  | { readonly kind: "gone"; readonly n: number }
  | { readonly kind: "hosts"; readonly hosts: number[] }
  | { readonly kind: "vpc"; readonly vpc: "v" | "w"; readonly hub: boolean }
  | { readonly kind: "same" | "meddled" }
  | { readonly kind: "refused"; readonly after: number };
const steps = fc.array(step, { minLength: 1, maxLength: 14 });

const networkSlice = (n: number, chosen: Ports): Slice => ({
  ...{ type: "network", network_id: `n${n}`, vpc_id: vpcOf(n), vpc_vni: VNI[vpcOf(n)], vni: 7000 + n },
  ...{ cidr: "10.0.0.0/24", gateway: `10.0.0.${n > 1 ? 8 : 250 + n}`, gateway_mac: GATEWAY_MAC },
  ports: chosen.map(
    ({ n: name, host, address, ranges }): PortPlan => ({
      ...{ id: portId(`${n}${name}`), generation: 1, mac: `0a:00:00:00:00:0${address}`, host },
      ...{ addresses: [`10.0.0.${address}`], allowed_addresses: ranges },
      device: { kind: "veth", namespace: `ns-${n}-${name}` },
    }),
  ),
});

const vpcSlice = (vpc: "v" | "w", hub: boolean): Slice => ({
  ...{ type: "vpc", vpc_id: vpc, vni: VNI[vpc], cidrs: ["10.0.0.0/16", "10.1.0.0/16"], routes: [] },
  learning: {
    ...{ mode: "direct", hubs: hub ? [1, 2] : [2], in_sync: [2], epoch: 1, max_learned: 10 },
    ...{ key: { version: 1, current: "aa".repeat(16) }, asks: { rate: 1, burst: 1 }, port_asks: { rate: 1, burst: 1 } },
  },
});

const hostsSlice = (others: readonly number[]): Slice => ({ type: "hosts", hosts: [1, ...others].map(knownHost) });

const FIRST: HostPlan = new Map<SliceId, Slice>([
  ["hosts", hostsSlice([2, 3])],
  ["vpc/v", vpcSlice("v", true)],
  ["vpc/w", vpcSlice("w", false)],
]);

function after(plan: HostPlan, step: Step): HostPlan {
  const next = new Map(plan);
  if (step.kind === "network") next.set(`network/n${step.n}`, networkSlice(step.n, step.ports));
  if (step.kind === "gone") next.delete(`network/n${step.n}`);
  if (step.kind === "hosts") next.set("hosts", hostsSlice(step.hosts));
  if (step.kind === "vpc") next.set(`vpc/${step.vpc}`, vpcSlice(step.vpc, step.hub));
  const slices = [...next.keys()].filter((id) => !id.startsWith("host/"));
  const own: SliceId = "host/h1";
  return next.set(own, { type: "host", host_id: "h1", number: 1, slices: [own, ...slices], hub_of: ["v", "w"] });
}

const lowered = (lowering: Lowering, plan: HostPlan, facts: Facts) => lowering.lower(lowering.open(plan)!, facts);
const rowsOf = (entries: Entries) => TABLE_NAMES.map((name) => [name, entries[name].rows] as const);
/** What keeps nothing from before sees copies only. */
const fromScratch = (plan: HostPlan, facts: Facts, rooms?: Rooms) =>
  lowered(new Lowering(rooms), structuredClone(plan), facts);

const slotsOf = (plan: HostPlan): Map<string, number> => {
  const local = new Lowering().open(plan)!.local.map(({ port }) => port.id);
  return new Map(local.map((id, slot) => [id, slot]));
};
const FACTS = { links: new Map(), uplinks: [], underlayMtu: 1500, nextHops: new Map(), limits: {} };

it.each<Rooms>([{}, { destinations: 9, macs: 5, routes: 3, hub_sources: 3, hosts: 1 }])(
  "lowering plan after plan is lowering the last one, and the kernel gets it (rooms: %o)",
  (rooms) => {
    const walk = (walked: readonly Step[]) => {
      const lowering = new Lowering(rooms);
      const trackers = new Map(TABLE_NAMES.map((name) => [name, new DeltaTracker<readonly [unknown, unknown]>()]));
      let plan = FIRST;
      for (const step of walked) {
        plan = after(plan, step);
        const facts = { ...FACTS, slots: slotsOf(plan) };
        const now = lowered(lowering, plan, facts);
        const wanted = fromScratch(plan, facts, rooms);
        expect({ ...now, entries: rowsOf(now.entries) }).toEqual({ ...wanted, entries: rowsOf(wanted.entries) });
        for (const [name, tracker] of trackers) {
          tracker.want(now.entries[name].parts as readonly Part<readonly [unknown, unknown]>[]);
          for (const text of [...tracker.deletions().keys()]) tracker.removed(text);
          for (const [text, row] of [...tracker.updates()]) tracker.wrote(text, row);
          expect(tracker.actual()).toEqual(wanted.entries[name].rows);
        }
      }
    };
    fc.assert(fc.property(steps, walk), { numRuns: 150 });
  },
);

it("the kernel has what the last plan says, also after runs that failed and after somebody meddled", async () => {
  const walk = async (walked: readonly Step[]) => {
    const host = new FakeHost();
    let plan = FIRST;
    for (const step of walked) {
      plan = after(plan, step);
      if (step.kind === "refused") host.writesLeft = step.after;
      if (step.kind === "meddled") {
        for (const [key] of [...host.kernel.read("destinations")].slice(0, 2))
          host.kernel.remove("destinations", [key]);
        host.reconciler.distrust();
      }
      await host.reconciler.run(plan).catch(() => host.reconciler.run(plan));
      const { kernel } = host;
      const slots = host.reconciler.mirror.slots();
      const facts = { uplinks: ["up0"], underlayMtu: 1600, limits: { arp: { rate: 200, burst: 400 } }, slots };
      const nextHops = await kernel.nextHops(["192.0.2.2", "192.0.2.3"]);
      const { entries } = fromScratch(plan, { ...facts, links: await kernel.devices(), nextHops });
      for (const name of TABLE_NAMES) {
        const text = KEY_TEXT[name] as (key: unknown) => string;
        expect(new Map([...kernel.read(name)].map((row) => [text(row[0]), row]))).toEqual(entries[name].rows);
      }
    }
  };
  await fc.assert(fc.asyncProperty(steps, walk), { numRuns: 100 });
});

it("a table filled part by part has what it has filled row by row", () => {
  const part = fc.uniqueArray(fc.tuple(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 2 })), {
    selector: ([vni]) => vni,
    maxLength: 5,
  });
  const fill = (parts: readonly (readonly (readonly [number, number])[])[], room: number) => {
    const [whole, single] = [new Table("class_limits", room), new Table("class_limits", room)];
    const rows = parts.map((pairs) => pairs.map(([key, n]) => [key, { rate: n, burst: n }] as const));
    for (const these of rows) {
      const fits = whole.addPart(new Map(these.map((row) => [String(row[0]), row])));
      expect(fits).toBe(these.map(([key, value]) => single.add(key, value)).every((one) => one));
      expect([...whole.rows]).toEqual([...single.rows]);
    }
    expect(new Map(merged(whole.parts))).toEqual(single.rows);
    expect(whole.refused).toEqual(single.refused);
  };
  fc.assert(fc.property(fc.array(part, { maxLength: 6 }), fc.integer({ min: 0, max: 12 }), fill));
});

it("costs nothing for networks that stay as they were", () => {
  const lowering = new Lowering();
  const chosen = [{ n: 1, host: 2, address: 1, ranges: ["10.9.0.0/16"] }];
  const before = after(after(FIRST, { kind: "network", n: 0, ports: chosen }), {
    kind: "network",
    n: 3,
    ports: chosen,
  });
  const changed = after(before, { kind: "network", n: 3, ports: [] });
  const facts = { ...FACTS, slots: new Map() };
  const [one, other] = [lowered(lowering, before, facts), lowered(lowering, changed, facts)];
  const kept = (name: "destinations" | "routes" | "hosts" | "hub_sources") =>
    other.entries[name].parts.filter((part) => (one.entries[name].parts as readonly unknown[]).includes(part)).length;
  expect({
    ...{ destinations: kept("destinations"), routes: kept("routes") },
    ...{ hosts: kept("hosts"), hub_sources: kept("hub_sources") },
  }).toEqual({ destinations: 1, routes: 2, hosts: 1, hub_sources: 1 });
});
