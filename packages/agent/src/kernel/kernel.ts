import type { PortCounters } from "@onehop/datapath/maps.gen";
import type { LinkFact, NextHop, Rows, TableName } from "../lower/index.ts";

/** A device of the host, with what only the agent asks. */
export interface Device extends LinkFact {
  /** Made by the agent, for this port. Undefined: somebody else's. */
  readonly made?: Made;
}

/** What the agent notes on a device that it made: enough to take everything away again. */
export interface Made {
  readonly port_id: string;
  readonly namespace: string;
  /** The namespace was made with it. */
  readonly namespace_made: boolean;
}

/** A link to make: one end on the host, down and without addresses; the other is the guest's eth0, ready for use. */
export interface GuestLink {
  readonly port_id: string;
  /** Name of the host's end. */
  readonly name: string;
  readonly namespace: string;
  readonly mac: string;
  /** `10.0.1.5/24` */
  readonly address: string;
  readonly gateway: string;
  readonly mtu: number;
}

/** Where a program runs: on a port's device, on an uplink, or on the idle VXLAN device. */
export type Place = "endpoint" | "uplink" | "overlay";
export interface Attachment {
  readonly place: Place;
  /** Port id, or name of the device. */
  readonly owner: string;
}
/** What a program is attached to; equal values need nothing done. */
export interface Attached {
  readonly ifindex: number;
  /** Whether it is the program that is loaded now, not one that an earlier agent left. */
  readonly current: 0 | 1;
}

/** Load-time settings: what the programs know of this host. */
export interface HostConfig {
  readonly tunnel_address: string;
  readonly number: number;
}

/** A sum over all ports, by reason or class. */
export interface DropCount {
  /** Undefined: no port of this host stands for it. */
  readonly slot: number | undefined;
  readonly reason: string;
  readonly packets: number;
  readonly bytes: number;
}

/**
 * The one door to the kernel, with a fake behind it for tests. All methods throw where the kernel refuses, with a
 * sentence; none decides anything.
 */
export interface Kernel {
  /** Loads the programs for this host; maps that are pinned are adopted. Called again when the settings change. */
  load(config: HostConfig): void;

  read<T extends TableName>(table: T): Iterable<Rows[T]>;
  write<T extends TableName>(table: T, rows: Iterable<Rows[T]>): void;
  remove<T extends TableName>(table: T, keys: Iterable<Rows[T][0]>): void;
  counters(slot: number): PortCounters | undefined;
  /** Zeroes the counters of a slot that gets a new port. */
  forget(slot: number): void;
  drops(): DropCount[];

  attachments(): Iterable<readonly [Attachment, Attached]>;
  /** Attaches the loaded program, in place of one that is there. */
  attach(what: Attachment, ifindex: number): void;
  detach(what: Attachment, ifindex: number): void;

  devices(): Promise<ReadonlyMap<string, Device>>;
  /** The idle VXLAN device that owns UDP port 4789; made where it is missing. Its interface index. */
  overlayDevice(): Promise<number>;
  makeGuestLink(link: GuestLink): Promise<void>;
  /** Removes a device that was made for a port, and its namespace where that was made with it. */
  removeGuestLink(device: Device): Promise<void>;
  /** Readies devices for guests' packets: no address of their own, no IPv6, up. */
  setUp(devices: readonly string[]): Promise<void>;
  setDown(devices: readonly string[]): Promise<void>;
  /** By tunnel address; those without a route are missing. */
  nextHops(tunnels: readonly string[]): Promise<ReadonlyMap<string, NextHop>>;
  /** Calls back whenever a device or a route of the host may have changed. */
  watch(onChange: () => void, signal: AbortSignal): void;
  close(): void;
}
