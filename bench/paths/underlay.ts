import { inNamespace, ipBatch, type Lab, run } from "@onehop/lab";
import { buildFabric } from "@onehop/lab/fabric/build";
import { type FabricPlan, planFabric } from "@onehop/lab/fabric/plan";

/**
 * Two hosts on a routed underlay like the lab's, with nothing of onehop on them. The namespaces carry the lab's id, so
 * that they go with it, and the path's name.
 */
export async function buildUnderlay(lab: Lab, path: string): Promise<FabricPlan> {
  const plan = planFabric(lab.id, { hosts: 2, uplinks: 1, mtu: lab.fabric.mtu });
  const own = (name: string): string => lab.namespaceOf(`${path}-${name}`);
  const hosts = plan.hosts.map((host) => ({ ...host, namespace: own(host.name) }));
  const underlay = { ...plan, namespace: own("fabric"), hosts };
  await buildFabric(underlay);
  return underlay;
}

const OFFLOADS = ["tso", "gso", "gro", "tx-udp_tnl-segmentation", "tx-udp_tnl-csum-segmentation"];

/** Of every device of the underlay, on hosts and router. */
export async function setOffloads(fabric: FabricPlan, to: "on" | "off"): Promise<void> {
  for (const { namespace, uplinks } of fabric.hosts)
    for (const { device, routerDevice } of uplinks) {
      await setDevice(namespace, device, to);
      await setDevice(fabric.namespace, routerDevice, to);
    }
}

const setDevice = (namespace: string, device: string, to: "on" | "off"): Promise<string> =>
  run(inNamespace(namespace, ["ethtool", "-K", device, ...OFFLOADS.flatMap((name) => [name, to])]));

export interface GuestPlan {
  readonly namespace: string;
  readonly host: string;
  /** On the host's side. */
  readonly device: string;
  readonly address: string;
  readonly mtu: number;
}

/** A guest behind a veth, as other systems' hosts have them. */
export async function makeGuest({ namespace, host, device, address, mtu }: GuestPlan): Promise<void> {
  await ipBatch([`netns add ${namespace}`]);
  await ipBatch([`link add ${device} mtu ${mtu} type veth peer name eth0 mtu ${mtu} netns ${namespace}`], host);
  await ipBatch([`link set dev ${device} addrgenmode none up`], host);
  const inside = ["link set lo up", "link set eth0 addrgenmode none up", `addr add ${address}/24 dev eth0`];
  await ipBatch(inside, namespace);
}
