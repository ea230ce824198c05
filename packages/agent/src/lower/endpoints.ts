import type { PortProblem } from "@onehop/core";
import { Device, type Endpoint, Learns } from "@onehop/datapath/maps.gen";
import { type Entries, MAX_SLOTS } from "./entries.ts";
import { type Facts, type LinkFact, OVERHEAD } from "./facts.ts";
import { nearOf } from "./near.ts";
import { deviceName, type LocalPort, type Opened } from "./plan.ts";

/** Ports of this host and the devices they are reached by. A port without a device keeps its entry: packets to it say so. */
export function lowerEndpoints(plan: Opened, facts: Facts, entries: Entries): PortProblem[] {
  const problems: PortProblem[] = [];
  const owners = new Map<string, string>();
  const near = nearOf(plan);
  for (const local of plan.local) {
    const { port } = local;
    const slot = facts.slots.get(port.id);
    if (slot === undefined) {
      problems.push({ port_id: port.id, reason: `The host has ${MAX_SLOTS} ports already.` });
      continue;
    }
    const link = linkOf(local, facts, owners);
    if (typeof link === "string") problems.push({ port_id: port.id, reason: link });
    const found = typeof link === "string" ? undefined : link;
    const value = endpoint(local, found, facts);
    entries.endpoints.add(slot, { ...value, near: near.get(local.network.vpc_id) ?? 0 });
    if (found) entries.links.add({ ifindex: found.ifindex }, { slot });
  }
  return problems;
}

/** The port's device, or why it has none. The first port by id keeps a device that two name. */
function linkOf({ port }: LocalPort, facts: Facts, owners: Map<string, string>): LinkFact | string {
  if (!port.device) return "It is bound without a device.";
  const name = deviceName(port.id, port.device);
  const owner = owners.get(name);
  if (owner !== undefined) return `Its device ${name} belongs to port ${owner} already.`;
  owners.set(name, port.id);
  const link = facts.links.get(name);
  if (!link) return `Its device ${name} is not there.`;
  if (facts.uplinks.includes(name)) return `Its device ${name} is an uplink of the host.`;
  return link.kind === "other" ? `Its device ${name} is neither a veth nor a tap.` : link;
}

const LEARNS = { pushed: Learns.NO, direct: Learns.YES, confirmed: Learns.CONFIRMED } as const;

const endpoint = (
  { port, network, learns }: LocalPort,
  link: LinkFact | undefined,
  facts: Facts,
): Omit<Endpoint, "near"> => ({
  port: port.id,
  generation: port.generation,
  vpc: network.vpc_vni,
  network: network.vni,
  ifindex: link?.ifindex ?? 0,
  mtu: facts.underlayMtu - OVERHEAD,
  address: port.addresses[0] ?? "0.0.0.0",
  gateway: network.gateway,
  mac: port.mac,
  gateway_mac: network.gateway_mac,
  device: !link ? Device.NONE : link.kind === "veth" ? Device.VETH : Device.TAP,
  has_allowed: port.allowed_addresses.length > 0 ? 1 : 0,
  learns: LEARNS[learns],
});
