import type { HostSlice } from "@onehop/core";
import type { IndexedIntent } from "./indexed.ts";
import { hubbedBy, slicesFor } from "./interest.ts";

/** The host's own slice: which others make up its plan. Undefined: no such host, or one that runs no agent. */
export function compileHost(view: IndexedIntent, id: string): HostSlice | undefined {
  const host = view.intent.hosts.get(id);
  if (host?.kind !== "onehop") return undefined;
  const hub_of = [...hubbedBy(view, id)].sort();
  return {
    type: "host",
    host_id: id,
    number: host.number,
    slices: slicesFor(view, id),
    ...(hub_of.length > 0 ? { hub_of } : {}),
  };
}
