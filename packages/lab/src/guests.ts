import { nounOf } from "@onehop/core";
import { type Api, listThings, type Thing } from "./api.ts";
import { namespacePrefix } from "./names.ts";

/** A port that is plugged into a namespace, with the names of what it belongs to. */
export interface Guest {
  /** Its namespace, without the lab's id where it has that. */
  readonly name: string;
  readonly namespace: string;
  readonly port_id: string;
  readonly port: string;
  readonly mac: string;
  readonly addresses: readonly string[];
  readonly host: string;
  readonly project: string;
  readonly vpc: string;
  readonly vpc_id: string;
  readonly vpc_vni: number;
  readonly network: string;
  readonly network_id: string;
  readonly network_vni: number;
  readonly gateway: string;
  readonly state: string;
  readonly reason?: string;
}

/** The guests of a lab, as its API tells; sorted by name. */
export async function listGuests(api: Api, labId: string): Promise<Guest[]> {
  const kinds = ["host", "project", "vpc", "network"] as const;
  const [ports, ...owners] = await Promise.all([
    listThings(api, nounOf("port")),
    ...kinds.map((kind) => listThings(api, nounOf(kind))),
  ]);
  const byId = new Map(owners.flat().map((thing) => [thing.id, thing]));
  const prefix = namespacePrefix(labId);
  return ports
    .map((port) => guestOf(port, byId))
    .filter((guest) => guest !== undefined)
    .map((g) => (g.name.startsWith(prefix) ? { ...g, name: g.name.slice(prefix.length) } : g))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

function guestOf(port: Thing, byId: ReadonlyMap<string, Thing>): Guest | undefined {
  const device = port.device as { namespace?: string } | undefined;
  const [host, project, vpc, network] = ["host_id", "project_id", "vpc_id", "network_id"].map((field) =>
    byId.get(String(port[field])),
  );
  if (!device?.namespace || !host || !project || !vpc || !network) return undefined;
  return {
    name: device.namespace,
    namespace: device.namespace,
    port_id: port.id,
    port: port.name,
    mac: String(port.mac),
    addresses: port.addresses as string[],
    host: host.name,
    project: project.name,
    vpc: vpc.name,
    vpc_id: vpc.id,
    vpc_vni: Number(vpc.vni),
    network: network.name,
    network_id: network.id,
    network_vni: Number(network.vni),
    gateway: String(network.gateway),
    state: port.status.state,
    ...(port.status.reason ? { reason: port.status.reason } : {}),
  };
}
