import { DROP_REASON_NAMES, type DropReason, type DropRow } from "@onehop/core";
import type { DropCount, DropEvent } from "../kernel/kernel.ts";

export interface PortAt {
  readonly port_id: string;
  readonly vpc: number;
}

interface Entry {
  readonly port: PortAt | undefined;
  readonly reason: DropReason;
  packets: number;
  bytes: number;
  /** Milliseconds since the epoch. */
  since: number;
  before: boolean;
  last: number;
  example: string | undefined;
}

const NO_ONE = "00000000-0000-0000-0000-000000000000";
const PROTOCOLS: Readonly<Record<number, string>> = { 1: "icmp", 6: "tcp", 17: "udp" };
const IPV4 = 0x0800;
const ARP = 0x0806;

/**
 * What was dropped, by port and reason: how much from the counters, which have everything; when and what from events,
 * which are some for each port. An entry is one line however long a flood lasts, so all of it is at most one line for
 * each of a host's slots and reasons, in memory only.
 */
export class DropLog {
  readonly #entries = new Map<string, Entry>();
  readonly #wall: () => number;
  readonly #started: number;
  #counted = false;

  /** `wall`: milliseconds since the epoch. */
  constructor(wall: () => number) {
    this.#wall = wall;
    this.#started = wall();
  }

  /** An event; `time` in microseconds since the epoch. */
  tell(event: DropEvent, time: number): void {
    const reason = DROP_REASON_NAMES[event.reason - 1];
    if (!reason) return;
    const port = event.port === NO_ONE ? undefined : { port_id: event.port, vpc: event.vpc };
    const entry = this.#entry(port, reason, time / 1000);
    entry.last = Math.max(entry.last, time / 1000);
    entry.example = exampleOf(event);
  }

  /** The counters as they are now. Entries of ports that are gone are forgotten. */
  count(counts: Iterable<DropCount>, portOf: (slot: number) => PortAt | undefined): void {
    const present = new Set<string>();
    for (const { slot, reason, packets, bytes } of counts) {
      const port = slot === undefined ? undefined : portOf(slot);
      if (packets === 0 || (slot !== undefined && !port)) continue;
      const entry = this.#entry(port, reason as DropReason, this.#counted ? this.#wall() : this.#started);
      // What the first count finds was dropped before this agent began, for all it knows.
      if (!this.#counted && entry.packets === 0) entry.before = true;
      else if (packets < entry.packets) entry.since = this.#wall();
      else if (packets > entry.packets)
        entry.last = Math.max(entry.last, entry.packets === 0 ? entry.last : this.#wall());
      Object.assign(entry, { packets, bytes });
      present.add(keyOf(port, entry.reason));
    }
    this.#counted = true;
    for (const key of this.#entries.keys()) if (!present.has(key)) this.#entries.delete(key);
  }

  /** The latest first. `vpcs`: only those of ports in these. */
  rows(vpcs?: readonly number[]): DropRow[] {
    const wanted = vpcs && new Set(vpcs);
    return [...this.#entries.values()]
      .filter(({ port }) => !wanted || (port && wanted.has(port.vpc)))
      .sort((a, b) => b.last - a.last)
      .map(rowOf);
  }

  #entry(port: PortAt | undefined, reason: DropReason, at: number): Entry {
    const key = keyOf(port, reason);
    const known = this.#entries.get(key);
    if (known) return known;
    const entry: Entry = { port, reason, packets: 0, bytes: 0, since: at, before: false, last: at, example: undefined };
    this.#entries.set(key, entry);
    return entry;
  }
}

const keyOf = (port: PortAt | undefined, reason: string): string => `${port?.port_id ?? ""} ${reason}`;

const rowOf = ({ port, reason, packets, bytes, since, before, last, example }: Entry): DropRow => ({
  ...(port ?? {}),
  reason,
  packets,
  bytes,
  since: new Date(since).toISOString(),
  ...(before ? { since_before: true as const } : {}),
  last: new Date(last).toISOString(),
  ...(example === undefined ? {} : { example }),
});

function exampleOf(e: DropEvent): string {
  const macs = `${e.src_mac} > ${e.dst_mac}`;
  if (e.ethertype === ARP) return `${macs} arp who-has ${e.dst} tell ${e.src}`;
  if (e.ethertype !== IPV4 || e.src === "::") return `${macs} type 0x${e.ethertype.toString(16).padStart(4, "0")}`;
  const ports = e.sport || e.dport ? ` ${e.sport} > ${e.dport}` : "";
  return `${macs} ${e.src} > ${e.dst} ${PROTOCOLS[e.protocol] ?? `protocol ${e.protocol}`}${ports}, ${e.length} bytes`;
}
