import type { PortProblem } from "@onehop/core";
import { VniKind } from "@onehop/datapath/maps.gen";
import { type Entries, NO_IP, NO_MAC } from "./entries.ts";
import { type Opened, portsOf } from "./plan.ts";

/** What each VNI on the wire means here: the routed one of every VPC served, and one for each of its networks. */
export function lowerVnis(plan: Opened, { vnis }: Entries): PortProblem[] {
  const short = new Set<number>();
  for (const { vni } of plan.vpcs)
    if (!vnis.add({ vni }, { vpc: vni, kind: VniKind.VPC, gateway: NO_IP, gateway_mac: NO_MAC })) short.add(vni);
  for (const { vni, vpc_vni, gateway, gateway_mac } of plan.networks)
    if (!vnis.add({ vni }, { vpc: vpc_vni, kind: VniKind.NETWORK, gateway, gateway_mac })) short.add(vpc_vni);
  return portsOf(plan, short, vnis.full);
}
