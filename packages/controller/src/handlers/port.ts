import {
  type At,
  cidr4,
  conflict,
  invalid,
  type Network,
  PORTS_PER_NETWORK,
  type Port,
  type port,
  reservedReason,
} from "@onehop/core";
import { keys } from "@onehop/store";
import { freeUpAddresses, takeAddresses } from "../allocate/ipam.ts";
import { takeMac } from "../allocate/mac.ts";
import type { Draft } from "./draft.ts";
import type { Context, Given, Handler } from "./handler.ts";
import { charge, referred } from "./references.ts";

export const ports: Handler<Port, Given<typeof port>> = {
  async create(draft, given, context) {
    const at = { id: given.network_id, pointer: "/network_id" };
    const network = await referred(draft, "network", at, context);
    const project = await referred(draft, "project", { ...at, id: network.project_id }, context);
    checkAllowed(given.allowed_addresses);
    const binding_revision = await generationIn(draft, network);
    await bind(draft, given, context);
    await join(draft, network);
    await charge(draft, project, "ports");
    return {
      ...given,
      vpc_id: network.vpc_id,
      project_id: network.project_id,
      addresses: await takeAddresses(draft, given, { network, context }),
      mac: takeMac(draft, given, context),
      binding_revision,
    };
  },

  async change(draft, { before, after }, context) {
    checkAllowed(after.allowed_addresses);
    const moved = before.host_id !== after.host_id;
    if (!moved && JSON.stringify(before.device) === JSON.stringify(after.device)) return after;
    if (moved && before.host_id) draft.delete(keys.child(before.host_id, "ports", after.id));
    await bind(draft, after, context);
    return { ...after, binding_revision: before.revision };
  },

  async remove(draft, object, context) {
    if (object.host_id) draft.delete(keys.child(object.host_id, "ports", object.id));
    draft.delete(keys.mac(object.network_id, object.mac));
    await freeUpAddresses(draft, object, context);
    await draft.bump(keys.quota(object.network_id, "ports"), -1);
    await draft.bump(keys.quota(object.project_id, "ports"), -1);
  },
};

/**
 * A revision from before the write that is higher than that of every earlier binding of the port, or of the addresses
 * it takes: the network's count of ports moves with every creation and deletion. (Later bindings use the revision of the
 * object they change.) The write's own revision is not known before it is done.
 */
async function generationIn(draft: Draft, network: At<Network>): Promise<number> {
  const count = await draft.snapshot.get(keys.quota(network.id, "ports"));
  return count?.mod_revision ?? network.revision;
}

/** Checks where the port is bound to, and holds the host: it cannot be deleted while the port is there. */
async function bind(draft: Draft, object: Pick<Port, "id" | "host_id" | "device">, context: Context): Promise<void> {
  if (!object.host_id) {
    if (object.device) throw invalid("/device", "needs host_id, the host it is on");
    return;
  }
  const host = await referred(draft, "host", { id: object.host_id, pointer: "/host_id" }, context);
  if (host.kind === "vxlan-peer" && object.device)
    throw invalid("/device", `must be left out: host ${host.name} is a plain VXLAN peer and runs no agent`);
  draft.put(keys.child(host.id, "ports", object.id), object.id);
}

/** Counts the port in its network. */
async function join(draft: Draft, network: Network): Promise<void> {
  if ((await draft.bump(keys.quota(network.id, "ports"), 1)) <= PORTS_PER_NETWORK) return;
  throw conflict("port_limit", `Network ${network.name} has ${PORTS_PER_NETWORK} ports, the most a network may have.`, {
    hint: "Delete one, or use another network of the VPC.",
    fields: { limit: PORTS_PER_NETWORK },
  });
}

function checkAllowed(ranges: readonly string[]): void {
  for (const [i, text] of ranges.entries()) {
    const pointer = `/allowed_addresses/${i}`;
    const reserved = text === "0.0.0.0/0" ? undefined : reservedReason(cidr4(text));
    if (reserved) throw invalid(pointer, reserved);
    if (ranges.indexOf(text) < i) throw invalid(pointer, "is given twice");
  }
}
