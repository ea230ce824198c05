import type { HostPlan, PortProblem } from "@onehop/core";
import { lowerAllowed } from "./allowed.ts";
import { lowerDestinations } from "./destinations.ts";
import { lowerEndpoints } from "./endpoints.ts";
import { CLASSES, type Entries, noEntries } from "./entries.ts";
import type { Facts } from "./facts.ts";
import { lowerHosts } from "./hosts.ts";
import { lowerHubSources } from "./hub_sources.ts";
import { lowerLearning, shortVpcs } from "./learning.ts";
import { lowerMacs } from "./macs.ts";
import { openPlan } from "./plan.ts";
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
  const opened = openPlan(plan);
  if (!opened) return undefined;
  const entries = noEntries();
  for (const [index, name] of CLASSES.entries()) {
    const limit = facts.limits[name];
    if (limit) entries.class_limits.add(index, limit);
  }
  lowerHosts(opened, facts, entries);
  lowerHubSources(opened, entries);
  const problems = [
    ...lowerEndpoints(opened, facts, entries),
    ...lowerVnis(opened, entries),
    ...lowerLearning(opened, entries),
    ...lowerAllowed(opened, facts, entries),
    ...lowerRoutes(opened, entries),
    ...lowerMacs(opened, facts, entries),
    ...lowerDestinations(opened, facts, entries),
  ];
  const short = shortVpcs(entries);
  const vnis = new Map(opened.vpcs.map(({ vpc_id, vni }) => [vpc_id, vni]));
  const hub_of = (opened.own.hub_of ?? []).filter((id) => !short.has(vnis.get(id) ?? 0));
  return { entries, problems, hub_of };
}
