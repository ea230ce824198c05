import { GATEWAY_MAC, type NetworkSlice, type Port, type PortPlan } from "@onehop/core";
import { byId, type IndexedIntent } from "./indexed.ts";

/** A segment and its bound ports. Undefined: the network or its VPC is not there. */
export function compileNetwork(view: IndexedIntent, id: string): NetworkSlice | undefined {
  const network = view.intent.networks.get(id);
  const vpc = network && view.intent.vpcs.get(network.vpc_id);
  if (!network || !vpc) return undefined;
  const ports: PortPlan[] = [];
  for (const port of view.portsOfNetwork(id)) {
    const host = port.host_id === undefined ? undefined : view.intent.hosts.get(port.host_id);
    if (host) ports.push(portPlan(port, host.number));
  }
  return {
    type: "network",
    network_id: id,
    vpc_id: vpc.id,
    vpc_vni: vpc.vni,
    vni: network.vni,
    cidr: network.cidr,
    gateway: network.gateway,
    gateway_mac: GATEWAY_MAC,
    ports: ports.sort(byId),
  };
}

const made = new WeakMap<Port, PortPlan>();

/** The same object for the same port at the same host: what was hashed of it holds on. */
function portPlan(port: Port, host: number): PortPlan {
  const before = made.get(port);
  if (before?.host === host) return before;
  const plan = {
    id: port.id,
    generation: port.binding_revision,
    mac: port.mac,
    addresses: port.addresses,
    allowed_addresses: port.allowed_addresses,
    host,
    ...(port.device ? { device: port.device } : {}),
  };
  made.set(port, plan);
  return plan;
}
