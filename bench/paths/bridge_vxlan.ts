import { ipBatch, type Lab } from "@onehop/lab";
import type { LabHost } from "@onehop/lab/fabric/plan";
import type { BenchPath } from "./path.ts";
import { buildUnderlay, makeGuest } from "./underlay.ts";

const ADDRESSES = ["10.9.0.1", "10.9.0.2"] as const;
const OVERHEAD = 50;

/** Two guests on Linux bridges that a point-to-point VXLAN device joins. */
export async function buildBridgeVxlan(lab: Lab): Promise<BenchPath> {
  const { hosts, mtu } = await buildUnderlay(lab, "bridge");
  const [a, b] = hosts as [LabHost, LabHost];
  const guests = ADDRESSES.map((_, i) => lab.namespaceOf(`bridge-guest${i + 1}`)) as [string, string];
  for (const [i, [host, peer]] of [[a, b] as const, [b, a] as const].entries()) {
    await ipBatch(devices(host, peer, mtu - OVERHEAD), host.namespace);
    const place = { namespace: guests[i]!, host: host.namespace, device: "guest" };
    await makeGuest({ ...place, address: ADDRESSES[i]!, mtu: mtu - OVERHEAD });
    await ipBatch(["link set guest master br0"], host.namespace);
  }
  return { name: "bridge-vxlan", from: guests[0], to: guests[1], address: ADDRESSES[1] };
}

const devices = (host: LabHost, peer: LabHost, mtu: number): string[] => [
  "link add br0 type bridge",
  `link add vx0 mtu ${mtu} type vxlan id 9 local ${host.tunnelAddress} remote ${peer.tunnelAddress} dstport 4789`,
  "link set vx0 master br0",
  "link set vx0 up",
  "link set br0 up",
];
