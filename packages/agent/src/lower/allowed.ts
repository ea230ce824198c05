import { cidr4, formatIpv4, type PortProblem } from "@onehop/core";
import { lpmPrefix } from "@onehop/datapath/layout";
import type { Entries } from "./entries.ts";
import type { Facts } from "./facts.ts";
import type { Opened } from "./plan.ts";

/** Further source ranges of the host's own ports. */
export function lowerAllowed(plan: Opened, facts: Facts, { allowed }: Entries): PortProblem[] {
  const short = new Set<string>();
  for (const { port } of plan.local) {
    const slot = facts.slots.get(port.id);
    if (slot === undefined) continue;
    for (const text of port.allowed_addresses) {
      const range = cidr4(text);
      const key = { prefix: lpmPrefix(range.prefix), slot, address: formatIpv4(range.first) };
      if (!allowed.add(key, { yes: 1 })) short.add(port.id);
    }
  }
  return [...short].map((port_id) => ({ port_id, reason: allowed.full }));
}
