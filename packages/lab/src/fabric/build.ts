import { existsSync } from "node:fs";
import { inNamespace, ipBatch, run } from "../system/run.ts";
import type { FabricPlan, LabHost } from "./plan.ts";

/** Makes the namespaces, links, addresses and routes of the underlay. */
export async function buildFabric(plan: FabricPlan): Promise<void> {
  await ipBatch([`netns add ${plan.namespace}`]);
  await quieten(plan.namespace);
  await setKernel(plan.namespace, "1", ["net/ipv4/ip_forward"]);
  await ipBatch(["link set lo up"], plan.namespace);
  await buildHosts(plan, plan.hosts);
}

/** Hosts of an underlay that is there, on their links to its router. */
export async function buildHosts(plan: FabricPlan, hosts: readonly LabHost[]): Promise<void> {
  await ipBatch(hosts.map((host) => `netns add ${host.namespace}`));
  for (const host of hosts) await quieten(host.namespace);
  await ipBatch(hosts.flatMap((host) => wires(plan, host)));
  await ipBatch(hosts.flatMap(routerSide), plan.namespace);
  for (const host of hosts) await ipBatch(hostSide(host), host.namespace);
}

/** No IPv6 chatter on the links, no check that a source comes in by the link that leads to it: there may be several. */
async function quieten(namespace: string): Promise<void> {
  await setKernel(namespace, "1", ["net/ipv6/conf/all/disable_ipv6", "net/ipv6/conf/default/disable_ipv6"]);
  await setKernel(namespace, "0", ["net/ipv4/conf/all/rp_filter", "net/ipv4/conf/default/rp_filter"]);
  await setKernel(namespace, "1", ["net/ipv4/fib_multipath_hash_policy"]);
}

/** /proc/sys/net shows the namespace of whoever opens it. */
async function setKernel(namespace: string, value: string, keys: readonly string[]): Promise<void> {
  const files = keys.map((key) => `/proc/sys/${key}`).filter(existsSync);
  if (files.length > 0) await run(inNamespace(namespace, ["tee", ...files]), { input: value });
}

function wires(plan: FabricPlan, host: LabHost): string[] {
  return host.uplinks.map(
    (up) =>
      `link add ${up.device} netns ${host.namespace} mtu ${plan.mtu} type veth ` +
      `peer name ${up.routerDevice} netns ${plan.namespace} mtu ${plan.mtu}`,
  );
}

function routerSide(host: LabHost): string[] {
  const hops = host.uplinks.map((up) => `nexthop via ${up.address} dev ${up.routerDevice}`);
  return [
    ...host.uplinks.map((up) => `address add ${up.routerAddress}/31 dev ${up.routerDevice}`),
    ...host.uplinks.map((up) => `link set ${up.routerDevice} up`),
    `route add ${host.tunnelAddress}/32 ${hops.join(" ")}`,
  ];
}

function hostSide(host: LabHost): string[] {
  const hops = host.uplinks.map((up) => `nexthop via ${up.routerAddress} dev ${up.device}`);
  return [
    "link set lo up",
    `address add ${host.tunnelAddress}/32 dev lo`,
    ...host.uplinks.map((up) => `address add ${up.address}/31 dev ${up.device}`),
    ...host.uplinks.map((up) => `link set ${up.device} up`),
    `route add default src ${host.tunnelAddress} ${hops.join(" ")}`,
  ];
}
