import type { PortProblem } from "@onehop/core";
import type { Device, Kernel } from "../kernel/kernel.ts";
import type { Entries, Rows, TableName } from "../lower/index.ts";
import { type AttachmentRow, attachmentText, type Mirror } from "./mirror.ts";

/** Everything the kernel should hold. */
export interface Goal {
  readonly entries: Entries;
  readonly attachments: readonly AttachmentRow[];
  /** Names of the links that the agent makes; others that it made are taken away. */
  readonly ownLinks: ReadonlySet<string>;
}

export interface Machine {
  readonly kernel: Kernel;
  readonly mirror: Mirror;
  readonly devices: ReadonlyMap<string, Device>;
}

/** How others find a port. */
const REACH = ["destinations", "macs", "routes"] as const satisfies readonly TableName[];
/** What must be there before a port's first packet: who may send what, and where to. */
const BASE = ["class_limits", "hosts", "tunnels", "vnis", "allowed", "endpoints", "links"] as const;

/**
 * Makes the kernel equal to the goal, with nothing half true on the way: what goes is unreachable first and is taken
 * apart last; what comes has its policy, then its program, then its link, and is reachable last. Throws where a table
 * refuses a row; returns the ports whose device refused.
 */
export async function apply(machine: Machine, goal: Goal): Promise<PortProblem[]> {
  want(machine.mirror, goal);
  for (const name of REACH) removeRows(machine, name);
  await releaseDevices(machine, goal);
  for (const name of [...BASE].reverse()) removeRows(machine, name);
  for (const name of BASE) writeRows(machine, name);
  const problems = attachPrograms(machine);
  await raiseDevices(machine, goal);
  for (const name of [...REACH].reverse()) writeRows(machine, name);
  return problems;
}

function want(mirror: Mirror, { entries, attachments }: Goal): void {
  for (const name of [...BASE, ...REACH]) wantTable(mirror, name, entries);
  mirror.attached.want(new Map(attachments.map((row) => [attachmentText(row[0]), row])));
}

function wantTable<T extends TableName>(mirror: Mirror, name: T, entries: Entries): void {
  mirror.table(name).want(entries[name].rows as ReadonlyMap<string, Rows[T]>);
}

function removeRows<T extends TableName>({ kernel, mirror }: Machine, name: T): void {
  const tracker = mirror.table(name);
  const gone = [...tracker.deletions()];
  if (gone.length === 0) return;
  kernel.remove(
    name,
    gone.map(([, row]) => row[0]),
  );
  for (const [text] of gone) tracker.removed(text);
}

function writeRows<T extends TableName>({ kernel, mirror }: Machine, name: T): void {
  const tracker = mirror.table(name);
  const changed = [...tracker.updates()];
  if (changed.length === 0) return;
  if (name === "endpoints") forgetFormerPorts(kernel, mirror);
  kernel.write(
    name,
    changed.map(([, row]) => row),
  );
  for (const [text, row] of changed) tracker.wrote(text, row);
}

/** A slot's counters speak of one port only. */
function forgetFormerPorts(kernel: Kernel, mirror: Mirror): void {
  const endpoints = mirror.table("endpoints");
  for (const [text, [slot, { port }]] of endpoints.updates())
    if (endpoints.actual().get(text)?.[1].port !== port) kernel.forget(slot);
}

/** A link goes down, or away, before its program: no packet of a guest may meet the host's own stack. */
async function releaseDevices({ kernel, mirror, devices }: Machine, { ownLinks }: Goal): Promise<void> {
  const gone = [...mirror.attached.deletions()];
  const released = new Set(gone.filter(([, [{ place }]]) => place === "endpoint").map(([, [, to]]) => to.ifindex));
  const adopted = [...devices.values()].filter((d) => !d.made && released.has(d.ifindex));
  await kernel.setDown(adopted.map((d) => d.name));
  for (const device of devices.values())
    if (device.made && !ownLinks.has(device.name)) await kernel.removeGuestLink(device);
  for (const [text, [what, { ifindex }]] of gone) {
    kernel.detach(what, ifindex);
    mirror.attached.removed(text);
  }
}

function attachPrograms({ kernel, mirror }: Machine): PortProblem[] {
  const problems: PortProblem[] = [];
  for (const [text, row] of [...mirror.attached.updates()]) {
    const [what, { ifindex }] = row;
    try {
      kernel.attach(what, ifindex);
      mirror.attached.wrote(text, row);
    } catch (error) {
      if (what.place !== "endpoint") throw error;
      problems.push({ port_id: what.owner, reason: `Its device takes no program: ${(error as Error).message}` });
    }
  }
  return problems;
}

/** Only those whose program is in place. */
async function raiseDevices({ kernel, mirror, devices }: Machine, { attachments }: Goal): Promise<void> {
  const actual = mirror.attached.actual();
  const guarded = new Set(
    attachments
      .filter(([what]) => what.place === "endpoint")
      .filter(([what, { ifindex }]) => actual.get(attachmentText(what))?.[1].ifindex === ifindex)
      .map(([, { ifindex }]) => ifindex),
  );
  await kernel.setUp([...devices.values()].filter((d) => !d.up && guarded.has(d.ifindex)).map((d) => d.name));
}
