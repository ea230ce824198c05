import { FollowedPlans } from "@onehop/testkit/recompute";
import { describe, expect, it } from "vitest";
import { compileAll } from "../src/compile/index.ts";
import { BASE, STATES, set } from "./states.ts";

const { intent, h1, h2, vpc, front, back, a1, a2, other, twin } = BASE;

describe("compile", () => {
  it("gives a host the slices of the VPCs it has ports in, and no others (D15)", () => {
    const plans = compileAll(intent);
    const own = (id: string) => [...(plans.get(id)?.keys() ?? [])].sort();
    const vpcSlices = [`network/${back.id}`, `network/${front.id}`, `vpc/${vpc.id}`];
    expect(own(h2.id)).toEqual([`host/${h2.id}`, "hosts", ...vpcSlices].sort());
    expect(own(h1.id)).toEqual(
      [`host/${h1.id}`, "hosts", ...vpcSlices, `network/${twin.id}`, `vpc/${other.id}`].sort(),
    );
  });

  it("lists bound ports only, with the number of their host", () => {
    const slice = compileAll(STATES.a2Unbound!).get(h1.id)?.get(`network/${front.id}`);
    expect(slice?.type === "network" && slice.ports.map((p) => [p.id, p.host])).toEqual([[a1.id, 1]]);
  });

  it("leaves out a port whose network or host is not there, and compiles the others", () => {
    const broken = set(intent, "ports", a1.id, { host_id: "00000000-0000-4000-8000-00000000dead" });
    const slice = compileAll(broken).get(h2.id)?.get(`network/${front.id}`);
    expect(slice?.type === "network" && slice.ports.map((p) => p.id)).toEqual([a2.id]);
    expect(compileAll(STATES.vpcGoneNetworksLeft!).get(h1.id)?.has(`network/${twin.id}`)).toBe(true);
  });

  it("makes no plan for a plain VXLAN peer, which runs no agent", () => {
    expect([...compileAll(STATES.h2IsAPeer!).keys()]).toEqual([h1.id]);
  });
});

describe("work", () => {
  const workOf = (from: keyof typeof STATES, to: keyof typeof STATES) => {
    const followed = new FollowedPlans();
    followed.moveTo(STATES[from]!);
    const before = { ...followed.plans.compiled };
    const changed = followed.moveTo(STATES[to]!);
    const after = followed.plans.compiled;
    const kinds = Object.entries(after).map(
      ([kind, n]) => [kind, n - (before[kind as keyof typeof before] ?? 0)] as const,
    );
    return { compiled: Object.fromEntries(kinds.filter(([, n]) => n > 0)), changed: [...changed].sort() };
  };

  it("of a port on a host that has others in the VPC is its network's slice", () => {
    expect(workOf("a2Gone", "a2OnH1")).toEqual({ compiled: { network: 1 }, changed: [`network/${front.id}`] });
  });

  it("of a host's first port in a VPC is the host's slice, and the VPC's slices go to it", () => {
    expect(workOf("twoHostsTwoNetworks", "twinOnH2")).toEqual({
      compiled: { host: 1, network: 1 },
      changed: [`host/${h2.id}`, `network/${twin.id}`].sort(),
    });
  });

  it("of a route is its VPC's slice", () => {
    expect(workOf("twoHostsTwoNetworks", "withRoute")).toEqual({ compiled: { vpc: 1 }, changed: [`vpc/${vpc.id}`] });
  });
});
