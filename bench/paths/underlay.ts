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

/** By the name that `ethtool -K` takes, the one that `ethtool -k` tells. */
const OFFLOADS = {
  tso: "tcp-segmentation-offload",
  gso: "generic-segmentation-offload",
  gro: "generic-receive-offload",
  "tx-udp_tnl-segmentation": "tx-udp_tnl-segmentation",
  "tx-udp_tnl-csum-segmentation": "tx-udp_tnl-csum-segmentation",
} as const;
type Settings = Readonly<Record<string, boolean>>;

/** Switches the offloads of every device of the underlay off, on hosts and router; gives what puts them back. */
export async function withoutOffloads(fabric: FabricPlan): Promise<() => Promise<void>> {
  const devices = fabric.hosts.flatMap(({ namespace, uplinks }) =>
    uplinks.flatMap(({ device, routerDevice }) => [
      [namespace, device] as const,
      [fabric.namespace, routerDevice] as const,
    ]),
  );
  const before = await Promise.all(devices.map(([namespace, device]) => settingsOf(namespace, device)));
  const off = Object.fromEntries(Object.keys(OFFLOADS).map((name) => [name, false]));
  for (const [namespace, device] of devices) await set(namespace, device, off);
  return async () => {
    for (const [i, [namespace, device]] of devices.entries()) await set(namespace, device, before[i]!);
  };
}

async function settingsOf(namespace: string, device: string): Promise<Settings> {
  return parseSettings(await run(inNamespace(namespace, ["ethtool", "--json", "-k", device])));
}

/** Of ethtool's features of one device. */
export function parseSettings(json: string): Settings {
  const [features] = JSON.parse(json) as [Readonly<Record<string, { readonly active: boolean }>>];
  return Object.fromEntries(Object.entries(OFFLOADS).map(([name, long]) => [name, features[long]?.active ?? false]));
}

const set = (namespace: string, device: string, settings: Settings): Promise<string> => {
  const words = Object.entries(settings).flatMap(([name, on]) => [name, on ? "on" : "off"]);
  return run(inNamespace(namespace, ["ethtool", "-K", device, ...words]));
};

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
