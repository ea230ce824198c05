import { readdirSync } from "node:fs";
import { join } from "node:path";
import { DROP_REASON_NAMES, type DropReason } from "@onehop/core";
import { Constant, type Datapath, type DropEvent, OBJECT_DIR, openDatapath, openEvents } from "@onehop/datapath";
import { type Lab, run } from "@onehop/lab";

/** Counts of one port by what they are called. */
export interface PortCounts {
  readonly drops: Readonly<Partial<Record<DropReason, number>>>;
  readonly received: number;
  readonly sent: number;
}

export interface Pinned {
  readonly maps: Readonly<Record<string, number>>;
  readonly links: Readonly<Record<string, number>>;
  readonly programs: Readonly<Record<string, number>>;
}

/** The maps of a lab's host, read where the agent pinned them: the truth without asking anybody. */
export class HostKernel {
  readonly #datapath: Datapath;
  readonly #pins: string;

  constructor(lab: Lab, host: string) {
    this.#pins = lab.files.pins(host);
    const config = { tunnel_address: "0.0.0.0", host: 0, record: 0 };
    this.#datapath = openDatapath({ objectDir: OBJECT_DIR, pins: this.#pins, programs: [], config });
  }

  get maps(): Datapath["maps"] {
    return this.#datapath.maps;
  }

  counts(portId: string): PortCounts {
    const slot = this.slot(portId);
    const counters = this.maps.port_counters.get(slot);
    return { drops: this.#drops(slot), received: counters?.rx_packets ?? 0, sent: counters?.tx_packets ?? 0 };
  }

  /** Drops that no port of this host stands for. */
  strayDrops(): PortCounts["drops"] {
    return this.#drops(Constant.NO_SLOT);
  }

  slot(portId: string): number {
    for (const [slot, { port }] of this.maps.endpoints.entries()) if (port === portId) return slot;
    throw new Error(`Port ${portId} has no slot on this host.`);
  }

  /** Drops of all ports and none, by reason. */
  allDrops(): Record<string, number> {
    const sums: Record<string, number> = {};
    for (const [{ reason }, { packets }] of this.maps.drops.entries())
      sums[nameOf(reason)] = (sums[nameOf(reason)] ?? 0) + packets;
    return sums;
  }

  /** Takes the events that wait in the ring. */
  events(): DropEvent[] {
    const found: DropEvent[] = [];
    const reader = openEvents(this.#datapath.fds);
    reader.drain((event) => found.push(event));
    reader.close();
    return found;
  }

  /** Entries of each table. */
  sizes(): Record<string, number> {
    const { destinations, macs, routes, vnis, links, tunnels } = this.maps;
    const tables = { destinations, macs, routes, vnis, links, tunnels };
    return Object.fromEntries(Object.entries(tables).map(([name, map]) => [name, [...map.keys()].length]));
  }

  /** What is pinned: kernel ids of the maps, and of the links and their programs, by pin name. */
  async pinned(): Promise<Pinned> {
    const files = readdirSync(this.#pins, { withFileTypes: true }).filter((f) => f.isFile());
    const maps = await showPinned(
      "map",
      this.#pins,
      files.map((f) => f.name),
    );
    const links = await showPinned("link", join(this.#pins, "links"), readdirSync(join(this.#pins, "links")));
    const column = (rows: Shown, field: "id" | "prog_id") =>
      Object.fromEntries([...rows].map(([name, row]) => [name, row[field]]));
    return { maps: column(maps, "id"), links: column(links, "id"), programs: column(links, "prog_id") };
  }

  close(): void {
    this.#datapath.close();
  }

  #drops(slot: number): PortCounts["drops"] {
    const own = [...this.maps.drops.entries()].filter(([key]) => key.slot === slot);
    return Object.fromEntries(own.map(([{ reason }, { packets }]) => [nameOf(reason), packets]));
  }
}

/** Drop names are in the order of the enum, which begins with "none". */
export const nameOf = (reason: number): string => DROP_REASON_NAMES[reason - 1] ?? String(reason);

type Shown = ReadonlyMap<string, { readonly id: number; readonly prog_id: number }>;

async function showPinned(kind: "map" | "link", folder: string, names: readonly string[]): Promise<Shown> {
  const show = (name: string) => run(["bpftool", "-j", kind, "show", "pinned", join(folder, name)]);
  return new Map(await Promise.all(names.map(async (name) => [name, JSON.parse(await show(name))] as const)));
}
