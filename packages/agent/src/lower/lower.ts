import type { HostPlan, PortProblem } from "@onehop/core";
import { lowerAllowed } from "./allowed.ts";
import { lowerDestinations } from "./destinations.ts";
import { lowerEndpoints } from "./endpoints.ts";
import { CLASSES, type Entries, noEntries, type Rooms } from "./entries.ts";
import type { Facts } from "./facts.ts";
import { lowerHosts } from "./hosts.ts";
import { lowerHubSources } from "./hub_sources.ts";
import { lowerLearning, shortVpcs } from "./learning.ts";
import { lowerMacs } from "./macs.ts";
import { Memos } from "./memos.ts";
import { type Opened, openPlan } from "./plan.ts";
import { lowerRosters } from "./rosters.ts";
import { lowerRoutes } from "./routes.ts";
import { lowerVnis } from "./vnis.ts";

export interface Lowered {
  readonly entries: Entries;
  /** Ports of this host that cannot work as planned, with why. */
  readonly problems: readonly PortProblem[];
  /** Ids of the VPCs that this host is a hub of, and whose tables found room. */
  readonly hub_of: readonly string[];
}

/** HostPlan → Entries: pure. Undefined where the plan is not whole. */
export function lower(plan: HostPlan, facts: Facts): Lowered | undefined {
  const lowering = new Lowering();
  const opened = lowering.open(plan);
  return opened && lowering.lower(opened, facts);
}

/** The same function for plan after plan: what did not change since is not made anew, and its parts are the same objects. */
export class Lowering {
  readonly #memos = new Memos();
  readonly #rooms: Rooms;

  constructor(rooms: Rooms = {}) {
    this.#rooms = rooms;
  }

  /** Undefined where the plan is not whole. */
  open(plan: HostPlan): Opened | undefined {
    return openPlan(plan, this.#memos);
  }

  lower(plan: Opened, facts: Facts): Lowered {
    const memos = this.#memos;
    const entries = noEntries(this.#rooms);
    for (const [index, name] of CLASSES.entries()) {
      const limit = facts.limits[name];
      if (limit) entries.class_limits.add(index, limit);
    }
    lowerHosts(plan, facts, entries, memos);
    lowerHubSources(plan, entries, memos);
    const problems = [
      ...lowerEndpoints(plan, facts, entries),
      ...lowerVnis(plan, entries),
      ...lowerLearning(plan, entries),
      ...lowerAllowed(plan, facts, entries),
      ...lowerRoutes(plan, entries, memos),
      ...lowerMacs(plan, facts, entries, memos),
      ...lowerDestinations(plan, facts, entries, memos),
    ];
    const short = shortVpcs(entries);
    lowerRosters(plan, entries, short);
    const vnis = new Map(plan.vpcs.map(({ vpc_id, vni }) => [vpc_id, vni]));
    const hub_of = (plan.own.hub_of ?? []).filter((id) => !short.has(vnis.get(id) ?? 0));
    return { entries, problems, hub_of };
  }
}
