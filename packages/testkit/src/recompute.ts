import { deepStrictEqual } from "node:assert/strict";
import {
  compileAll,
  type IndexedIntent,
  indexed,
  type LearningFacts,
  NO_FACTS,
  Plans,
} from "@onehop/controller/compile/index";
import type { HostPlan, Intent, Kind, Slice, SliceId } from "@onehop/core";
import type { IntentChange } from "@onehop/store";

/** What is kept up incrementally, by host, as compileAll would give it. */
export function plansByHost(plans: Plans): Map<string, HostPlan> {
  const all = new Map<string, HostPlan>();
  for (const hostId of plans.hosts()) {
    const plan = new Map<SliceId, Slice>();
    for (const id of plans.wantedBy(hostId)) {
      const slice = plans.slice(id);
      if (slice) plan.set(id, slice.body);
    }
    all.set(hostId, plan);
  }
  return all;
}

/** Full recompute is the specification: throws where the incremental plans differ from it. */
export function expectRecomputeEqual(plans: Plans, intent: Intent, learning = NO_FACTS): void {
  deepStrictEqual(sorted(plansByHost(plans)), sorted(compileAll(intent, learning)));
}

const sorted = (plans: ReadonlyMap<string, HostPlan>) =>
  [...plans]
    .map(([host, plan]) => [host, [...plan].sort(([a], [b]) => (a < b ? -1 : 1))] as const)
    .sort(([a], [b]) => (a < b ? -1 : 1));

const MAPS = [
  ["project", "projects"],
  ["host", "hosts"],
  ["vpc", "vpcs"],
  ["network", "networks"],
  ["port", "ports"],
  ["route", "routes"],
] as const satisfies readonly (readonly [Kind, keyof Intent])[];

/** Every difference between two Intents, as a view would tell it. */
export function changesBetween(before: Intent, after: Intent): IntentChange[] {
  const changes: IntentChange[] = [];
  for (const [kind, name] of MAPS) {
    const ids = new Set([...before[name].keys(), ...after[name].keys()]);
    for (const id of ids) {
      const [was, is] = [before[name].get(id), after[name].get(id)];
      if (was === is) continue;
      changes.push({ kind, id, ...(was && { before: was }), ...(is && { after: is }) } as IntentChange);
    }
  }
  return changes;
}

export const NO_INTENT: Intent = {
  revision: 0,
  projects: new Map(),
  hosts: new Map(),
  vpcs: new Map(),
  networks: new Map(),
  ports: new Map(),
  routes: new Map(),
};

/** Plans that follow an Intent set by hand, step by step; every step is compared with a full recompute. */
export class FollowedPlans {
  readonly plans: Plans;
  #intent: Intent = NO_INTENT;
  #learning: LearningFacts = NO_FACTS;
  #view: IndexedIntent = indexed(NO_INTENT);
  readonly #hashes = new Map<SliceId, string>();

  constructor() {
    const now = () => this.#view;
    this.plans = new Plans({
      get intent() {
        return now().intent;
      },
      portsOfNetwork: (id) => now().portsOfNetwork(id),
      portsOfHost: (id) => now().portsOfHost(id),
      networksOfVpc: (id) => now().networksOfVpc(id),
      routesOfVpc: (id) => now().routesOfVpc(id),
      hubs: () => now().hubs(),
      get learning() {
        return now().learning;
      },
    });
  }

  /** Ids of the slices that changed. */
  moveTo(intent: Intent): Set<SliceId> {
    const changes = changesBetween(this.#intent, intent);
    this.#intent = intent;
    this.#view = indexed(intent, this.#learning);
    const touched = this.plans.follow(changes);
    const changed = new Set([...touched].filter((id) => this.plans.slice(id)?.hash !== this.#hashes.get(id)));
    for (const id of touched) this.#note(id);
    expectRecomputeEqual(this.plans, intent, this.#learning);
    return changed;
  }

  #note(id: SliceId): void {
    const hash = this.plans.slice(id)?.hash;
    if (hash) this.#hashes.set(id, hash);
    else this.#hashes.delete(id);
  }

  /** What hosts reported and the store says of learning is different now, for these VPCs. */
  learn(learning: LearningFacts, changed: { readonly keys?: Iterable<string>; readonly sync?: Iterable<string> }) {
    this.#learning = learning;
    this.#view = indexed(this.#intent, learning);
    if (changed.keys) this.plans.followKeys(changed.keys);
    if (changed.sync) this.plans.followSync(changed.sync);
    expectRecomputeEqual(this.plans, this.#intent, learning);
  }
}
