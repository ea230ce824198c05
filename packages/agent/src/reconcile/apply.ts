import type { PortProblem } from "@onehop/core";
import type { Device, Kernel } from "../kernel/kernel.ts";
import type { Entries, Part, Rows, TableName } from "../lower/index.ts";
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
  /** The only way to change devices. */
  readonly links: Pick<Kernel, "removeGuestLink" | "setUp" | "setDown">;
  readonly mirror: Mirror;
  readonly devices: ReadonlyMap<string, Device>;
}

/** How others find a port. */
const REACH = ["destinations", "macs", "routes"] as const satisfies readonly TableName[];
/** What must be there before a port's first packet: who may send what, and where to. */
const BASE = [
  "class_limits",
  "hosts",
  "tunnels",
  "vnis",
  "vpc_keys",
  "vpc_rules",
  "allowed",
  "hub_sources",
  "endpoints",
  "links",
] as const;

/** What this host vouches by. */
const VOUCHING = ["rosters"] as const satisfies readonly TableName[];

/**
 * Makes the kernel equal to the goal, which `want` was told, with nothing half true on the way: what goes is unreachable first and is taken
 * apart last; what comes has its policy, then its program, then its link, and is reachable last. Throws where a table
 * refuses a row; returns the ports whose device refused. Meanwhile it vouches for nothing that changes.
 */
export async function apply(machine: Machine, goal: Goal): Promise<PortProblem[]> {
  for (const name of VOUCHING) withdrawRows(machine, name);
  for (const name of REACH) removeRows(machine, name);
  const lowered = await releaseDevices(machine, goal);
  for (const name of [...BASE].reverse()) removeRows(machine, name);
  for (const name of BASE) writeRows(machine, name);
  const problems = attachPrograms(machine);
  await raiseDevices(machine, goal, lowered);
  for (const name of [...REACH].reverse()) writeRows(machine, name);
  for (const name of VOUCHING) writeRows(machine, name);
  return problems;
}

/** Says what is to be there: `apply` does it. */
export function want(mirror: Mirror, { entries, attachments }: Goal): void {
  for (const name of [...BASE, ...REACH, ...VOUCHING]) wantTable(mirror, name, entries);
  mirror.attached.want([new Map(attachments.map((row) => [attachmentText(row[0]), row]))]);
}

function wantTable<T extends TableName>(mirror: Mirror, name: T, entries: Entries): void {
  mirror.table(name).want(entries[name].parts as readonly Part<Rows[T]>[]);
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

/** Also what is to be another: it would be said of what is not yet so, or no more. */
function withdrawRows<T extends TableName>(machine: Machine, name: T): void {
  removeRows(machine, name);
  const tracker = machine.mirror.table(name);
  const changed = [...tracker.updates()].filter(([text]) => tracker.actual().has(text));
  if (changed.length === 0) return;
  machine.kernel.remove(
    name,
    changed.map(([, row]) => row[0]),
  );
  for (const [text] of changed) tracker.removed(text);
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

/**
 * A link goes down, or away, before its program: no packet of a guest may meet the host's own stack. Answers the adopted
 * devices that were set down.
 */
async function releaseDevices(machine: Machine, goal: Goal): Promise<ReadonlySet<string>> {
  const { kernel, links, mirror, devices } = machine;
  const released = leftDevices(machine, goal);
  const adopted = [...devices.values()].filter((d) => !d.made && released.has(d.ifindex)).map((d) => d.name);
  await links.setDown(adopted);
  for (const device of devices.values())
    if (device.made && !goal.ownLinks.has(device.name)) await links.removeGuestLink(device);
  for (const [text, [what, { ifindex }]] of [...mirror.attached.deletions()]) {
    kernel.detach(what, ifindex);
    mirror.attached.removed(text);
  }
  return new Set(adopted);
}

/** Interface indexes that a port leaves: it goes, or it gets another device. */
function leftDevices({ mirror }: Machine, { attachments }: Goal): Set<number> {
  const next = new Map(attachments.map(([{ owner }, { ifindex }]) => [ifindex, owner]));
  const now = [...mirror.attached.actual().values()];
  const left = now.filter(([{ place, owner }, { ifindex }]) => place === "endpoint" && next.get(ifindex) !== owner);
  return new Set(left.map(([, { ifindex }]) => ifindex));
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
async function raiseDevices(
  { links, mirror, devices }: Machine,
  { attachments }: Goal,
  lowered: ReadonlySet<string>,
): Promise<void> {
  const actual = mirror.attached.actual();
  const guarded = new Set(
    attachments
      .filter(([what]) => what.place === "endpoint")
      .filter(([what, { ifindex }]) => actual.get(attachmentText(what))?.[1].ifindex === ifindex)
      .map(([, { ifindex }]) => ifindex),
  );
  const down = [...devices.values()].filter((d) => !d.up || lowered.has(d.name));
  await links.setUp(down.filter((d) => guarded.has(d.ifindex)).map((d) => d.name));
}
