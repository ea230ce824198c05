import type { HostPlan, Intent, Slice, SliceId } from "@onehop/core";
import { compileHost } from "./host.ts";
import { compileHosts } from "./hosts.ts";
import { type IndexedIntent, indexed } from "./indexed.ts";
import { NO_FACTS } from "./learning.ts";
import { compileNetwork } from "./network.ts";
import { compileVpc } from "./vpc.ts";

export type SliceKind = Slice["type"];

/** `network/<id>` → ["network", id]; `hosts` has no id. */
export function partsOf(id: SliceId): readonly [SliceKind, string] {
  const slash = id.indexOf("/");
  return slash < 0 ? ["hosts", ""] : [id.slice(0, slash) as SliceKind, id.slice(slash + 1)];
}

/** The slice as Intent wants it; undefined where what it is about is not there. */
export function compileSlice(view: IndexedIntent, id: SliceId): Slice | undefined {
  const [kind, of] = partsOf(id);
  switch (kind) {
    case "hosts":
      return compileHosts(view.intent);
    case "host":
      return compileHost(view, of);
    case "vpc":
      return compileVpc(view, of);
    case "network":
      return compileNetwork(view, of);
  }
}

/**
 * Every host's whole plan from Intent alone: the specification. What is kept up incrementally must equal it.
 * Keys are host ids; plain VXLAN peers run no agent and have no plan.
 */
export function compileAll(intent: Intent, learning = NO_FACTS): Map<string, HostPlan> {
  const view = indexed(intent, learning);
  const shared = new Map<SliceId, Slice | undefined>();
  const plans = new Map<string, HostPlan>();
  for (const host of intent.hosts.values()) {
    const own = compileHost(view, host.id);
    if (!own) continue;
    const plan = new Map<SliceId, Slice>();
    for (const id of own.slices) {
      if (!shared.has(id)) shared.set(id, compileSlice(view, id));
      const slice = shared.get(id);
      if (slice) plan.set(id, slice);
    }
    plans.set(host.id, plan);
  }
  return plans;
}
