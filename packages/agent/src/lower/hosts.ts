import type { KnownHost } from "@onehop/core";
import { HostKind } from "@onehop/datapath/maps.gen";
import { type Entries, NO_IP, partOf } from "./entries.ts";
import type { Facts } from "./facts.ts";
import type { Memos } from "./memos.ts";
import type { Opened } from "./plan.ts";

/** The other hosts, to send to and to accept from. This host is not among them: its own address as a source is forged. */
export function lowerHosts({ hosts, own }: Opened, { nextHops }: Facts, entries: Entries, memos: Memos): void {
  const others = () => hosts.filter(({ number }) => number !== own.number);
  const reached = memos.hosts.of(hosts, [own.number, nextHops], () =>
    partOf(
      "hosts",
      others().map((host) => {
        const hop = nextHops.get(host.tunnel_address) ?? { uplink: 0, next_hop: NO_IP };
        return [host.number, { tunnel_address: host.tunnel_address, ...hop, kind: kindOf(host) }];
      }),
    ),
  );
  const accepted = memos.tunnels.of(hosts, [own.number], () =>
    partOf(
      "tunnels",
      others().map((host) => [{ address: host.tunnel_address }, { host: host.number, kind: kindOf(host) }]),
    ),
  );
  entries.hosts.addPart(reached);
  entries.tunnels.addPart(accepted);
}

const kindOf = ({ kind }: KnownHost): number => (kind === "onehop" ? HostKind.ONEHOP : HostKind.PEER);
