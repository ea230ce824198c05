import type { Intent } from "@onehop/core";
import { changesBetween, expectRecomputeEqual, FollowedPlans } from "@onehop/testkit/recompute";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { indexed, Plans } from "../src/compile/index.ts";
import { reversedKeys, STATES } from "./states.ts";

const names = Object.keys(STATES);
const state = (name: string): Intent => STATES[name] as Intent;

function walk(steps: readonly Intent[]): FollowedPlans {
  const followed = new FollowedPlans();
  for (const step of steps) followed.moveTo(step);
  return followed;
}

describe("incremental plans equal a full recompute", () => {
  it("after every state, in order", () => void walk(names.map(state)));
  it("after every state, in the opposite order", () => void walk(names.map(state).reverse()));
  it("after every state with the keys in the opposite order", () => void walk(names.map(state).map(reversedKeys)));

  for (const from of names)
    it(`from ${from} to every other state and back`, () => {
      for (const to of names) walk([state(from), state(to), state(from)]);
    });

  it("after random walks through the states", () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...names), { maxLength: 12 }), (steps) => void walk(steps.map(state))),
      { numRuns: 300 },
    );
  });

  it("when every change is told twice", () => {
    const followed = walk([state("hostsOnly")]);
    const changes = changesBetween(state("hostsOnly"), state("twoHostsTwoNetworks"));
    followed.moveTo(state("twoHostsTwoNetworks"));
    const hashes = () => [...followed.plans.wanted()].map((id) => followed.plans.slice(id)?.hash);
    const before = hashes();
    followed.plans.follow([...changes, ...changes]);
    expect(hashes()).toEqual(before);
    expectRecomputeEqual(followed.plans, state("twoHostsTwoNetworks"));
  });

  it("and depend on the present only: the same Intent has the same hashes, however it came about", () => {
    const hashes = (f: FollowedPlans) =>
      [...f.plans.hosts()].flatMap((h) => [...f.plans.wantedBy(h)].map((id) => f.plans.slice(id)?.hash));
    const straight = walk([state("twoHostsTwoNetworks")]);
    for (const via of names) {
      const winding = walk([state(via), reversedKeys(state("twoHostsTwoNetworks"))]);
      expect(hashes(winding).sort()).toEqual(hashes(straight).sort());
    }
  });

  it("after a reload that follows nothing", () => {
    const plans = new Plans(indexed(state("withRoute")));
    expectRecomputeEqual(plans, state("withRoute"));
    const hashes = () => [...plans.wanted()].map((id) => plans.slice(id)?.hash);
    const before = hashes();
    plans.reload();
    expect(hashes()).toEqual(before);
  });
});
