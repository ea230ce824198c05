import type { PortProblem } from "@onehop/core";
import type { Device } from "../kernel/kernel.ts";
import { deviceName, type Entries, type GuestLink, type Opened } from "../lower/index.ts";
import type { AttachmentRow } from "./mirror.ts";

/** What is to be made and what stands in the way, of the links that the agent makes itself. */
export interface LinkWork {
  readonly make: readonly GuestLink[];
  /** Left half made by an agent that was killed, or leads to another namespace than is wanted now: made anew. */
  readonly remake: readonly Device[];
  /** Their namespace has the link of a port that goes: made once that is gone. */
  readonly later: readonly GuestLink[];
  readonly problems: readonly PortProblem[];
}

export function linkWork(wanted: readonly GuestLink[], devices: ReadonlyMap<string, Device>): LinkWork {
  const make: GuestLink[] = [];
  const remake: Device[] = [];
  const later: GuestLink[] = [];
  const problems: PortProblem[] = [];
  const names = new Set(wanted.map((link) => link.name));
  const leaving = new Set([...devices.values()].filter((d) => !names.has(d.name)).map((d) => d.made?.namespace));
  for (const link of wanted) {
    const device = devices.get(link.name);
    const { port_id: owner, namespace } = device?.made ?? {};
    if (owner === link.port_id && namespace === link.namespace) continue;
    if (device && (owner === link.port_id || owner === "")) remake.push(device);
    else if (device) {
      problems.push({ port_id: link.port_id, reason: `The name ${link.name} of its device is taken.` });
      continue;
    }
    if (leaving.has(link.namespace)) later.push(link);
    else make.push(link);
  }
  return { make, remake, later, problems };
}

/** Devices that programs run on, besides those of ports. */
export interface Underlay {
  readonly uplinks: readonly Device[];
  readonly overlay: number;
}

export function attachmentsOf(entries: Entries, { uplinks, overlay }: Underlay): AttachmentRow[] {
  const rows: AttachmentRow[] = uplinks.map(({ name, ifindex }) => [
    { place: "uplink", owner: name },
    { ifindex, current: 1 },
  ]);
  rows.push([
    { place: "overlay", owner: "oh-vxlan" },
    { ifindex: overlay, current: 1 },
  ]);
  for (const [, { port, ifindex }] of entries.endpoints.rows.values())
    if (ifindex !== 0)
      rows.push([
        { place: "endpoint", owner: port },
        { ifindex, current: 1 },
      ]);
  return rows;
}

/** Names of the devices that the agent makes for this plan. */
export const ownLinks = (plan: Opened): Set<string> =>
  new Set(plan.local.flatMap(({ port }) => (port.device?.kind === "veth" ? [deviceName(port.id, port.device)] : [])));
