import { HostKind } from "@onehop/datapath/maps.gen";
import { type Entries, NO_IP } from "./entries.ts";
import type { Facts } from "./facts.ts";
import type { Opened } from "./plan.ts";

/** The other hosts, to send to and to accept from. This host is not among them: its own address as a source is forged. */
export function lowerHosts(plan: Opened, facts: Facts, entries: Entries): void {
  for (const host of plan.hosts) {
    if (host.number === plan.own.number) continue;
    const kind = host.kind === "onehop" ? HostKind.ONEHOP : HostKind.PEER;
    const hop = facts.nextHops.get(host.tunnel_address) ?? { uplink: 0, next_hop: NO_IP };
    entries.hosts.add(host.number, { tunnel_address: host.tunnel_address, ...hop, kind });
    entries.tunnels.add({ address: host.tunnel_address }, { host: host.number, kind });
  }
}
