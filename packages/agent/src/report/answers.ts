import type { PortProblem } from "@onehop/core";
import type { Kernel } from "../kernel/kernel.ts";
import { NotHere } from "../look/run.ts";
import { CLASSES, TABLE_NAMES } from "../lower/index.ts";
import type { Mirror } from "../reconcile/mirror.ts";

export interface Known {
  readonly kernel: Kernel;
  readonly mirror: Mirror;
  readonly problems: readonly PortProblem[];
}

export function portAnswer(portId: string, { kernel, mirror }: Known) {
  const slot = mirror.slots().get(portId);
  if (slot === undefined) throw new NotHere();
  const counters = kernel.counters(slot);
  const drops = kernel.drops().filter((d) => d.slot === slot);
  return {
    port_id: portId,
    tx_packets: counters?.tx_packets ?? 0,
    tx_bytes: counters?.tx_bytes ?? 0,
    rx_packets: counters?.rx_packets ?? 0,
    rx_bytes: counters?.rx_bytes ?? 0,
    classes: byClass(counters?.class_packets ?? []),
    drops: Object.fromEntries(drops.map((d) => [d.reason, d.packets])),
  };
}

export function hostAnswer({ kernel, mirror, problems }: Known) {
  const links = [...kernel.attachments()].map(([what, to]) => ({
    ...what,
    ifindex: to.ifindex,
    current: to.current === 1,
  }));
  return {
    messages: kernel.messages(),
    learned: Object.fromEntries(kernel.learnedUse().map(({ vpc, ...use }) => [vpc, use])),
    tables: Object.fromEntries(TABLE_NAMES.map((name) => [name, [...kernel.read(name)].length])),
    ports: mirror.slots().size,
    drops: totalDrops(kernel),
    links,
    degraded: problems,
  };
}

export const byClass = (packets: readonly number[]): Record<string, number> =>
  Object.fromEntries(CLASSES.map((name, index) => [name, packets[index] ?? 0]));

/** Packets by reason, of all ports and of none. */
export function totalDrops(kernel: Kernel): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const { reason, packets } of kernel.drops()) sums[reason] = (sums[reason] ?? 0) + packets;
  return sums;
}
