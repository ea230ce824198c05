import type { HostPlan, PortProblem } from "@onehop/core";
import { lowerAllowed } from "./allowed.ts";
import { lowerDestinations } from "./destinations.ts";
import { lowerEndpoints } from "./endpoints.ts";
import { CLASSES, type Entries, noEntries } from "./entries.ts";
import type { Facts } from "./facts.ts";
import { lowerHosts } from "./hosts.ts";
import { lowerLearning } from "./learning.ts";
import { lowerMacs } from "./macs.ts";
import { openPlan } from "./plan.ts";
import { lowerRoutes } from "./routes.ts";
import { lowerVnis } from "./vnis.ts";

export interface Lowered {
  readonly entries: Entries;
  /** Ports of this host that cannot work as planned, with why. */
  readonly problems: readonly PortProblem[];
}

/** HostPlan → Entries: pure. Undefined where the plan is not whole. */
export function lower(plan: HostPlan, facts: Facts): Lowered | undefined {
  const opened = openPlan(plan);
  if (!opened) return undefined;
  const entries = noEntries();
  for (const [index, name] of CLASSES.entries()) {
    const limit = facts.limits[name];
    if (limit) entries.class_limits.add(index, limit);
  }
  lowerHosts(opened, facts, entries);
  const problems = [
    ...lowerEndpoints(opened, facts, entries),
    ...lowerVnis(opened, entries),
    ...lowerLearning(opened, entries),
    ...lowerAllowed(opened, facts, entries),
    ...lowerRoutes(opened, entries),
    ...lowerMacs(opened, facts, entries),
    ...lowerDestinations(opened, facts, entries),
  ];
  return { entries, problems };
}
