import type { UseRow } from "@onehop/core";
import type { PairTraffic, Verdict } from "@onehop/datapath";
import type { DropEvent, PortCounters, Watch, WayCounters } from "@onehop/datapath/maps.gen";
import type { AnyTable, GuestLink, LinkFact, NextHop, Rows } from "../lower/index.ts";

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

/** What became of a frame that was only tried. */
export type Tried = Verdict;
export type { DropEvent, PairTraffic };

/** A packet that watching programs told of. */
export interface Observed {
  /** Number of the watch. */
  readonly watch: number;
  /** Microseconds since the epoch. */
  readonly time: number;
  /** came: as a guest sent it. went: as it was when it had been decided upon. */
  readonly way: "came" | "went";
  readonly program: "from_endpoint" | "from_uplink" | "from_overlay";
  readonly action: Tried["action"];
  readonly reason: Tried["reason"];
  readonly class: string;
  readonly stage: string;
  /** Slots; undefined: from the underlay, to no port here. */
  readonly from: number | undefined;
  readonly to: number | undefined;
  /** Number of the host it was sent to; 0: none. */
  readonly host: number;
  readonly length: number;
  /** Its first bytes. */
  readonly bytes: Uint8Array;
}

/** Programs that tell of packets, in the place of those that work. */
export interface Watching {
  /** What is not named is any. It ends by itself after so many seconds, even if nobody lives to end it. */
  set(index: number, want: Partial<Omit<Watch, "until">>, seconds: number): void;
  clear(index: number): void;
  /** Packets that found no room. */
  lost(index: number): number;
  drain(onPacket: (packet: Observed) => void): void;
  /** What a watch of pairs counted since it was asked last. */
  takePairs(): PairTraffic[];
  /** Puts the programs that work back. */
  close(): void;
}

/**
 * The one door to the kernel, with a fake behind it for tests. All methods throw where the kernel refuses, with a
 * sentence; none decides anything.
 */
export interface Kernel {
  /** Loads the programs for this host; maps that are pinned are adopted. Called again when the settings change. */
  load(config: HostConfig): void;

  read<T extends AnyTable>(table: T): Iterable<Rows[T]>;
  get<T extends AnyTable>(table: T, key: Rows[T][0]): Rows[T][1] | undefined;
  write<T extends AnyTable>(table: T, rows: Iterable<Rows[T]>): void;
  remove<T extends AnyTable>(table: T, keys: Iterable<Rows[T][0]>): void;
  counters(slot: number): PortCounters | undefined;
  /** Zeroes the counters of a slot that gets a new port. */
  forget(slot: number): void;
  drops(): DropCount[];
  /** Routed packets of a slot's port to other hosts: straight, and by a hub. */
  ways(slot: number): WayCounters | undefined;
  /** What was learned of each VPC, and what of it went. */
  learnedUse(): UseRow[];
  /** Questions and answers of all VPCs, by what came of them. */
  messages(): Record<string, number>;
  /** Nanoseconds of the kernel's monotonic clock. */
  now(): bigint;
  /** Takes the drop events that have come. Nanoseconds of `time` are made microseconds since the epoch. */
  takeDropEvents(onEvent: (event: DropEvent, time: number) => void): void;

  /** A frame through the programs, over the tables as they are; nothing is sent or counted. Slot undefined: from the underlay. */
  tryFrame(slot: number | undefined, frame: Uint8Array): Tried;
  /** Puts a frame on a port's device as if its guest had sent it. */
  inject(ifindex: number, frame: Uint8Array): void;
  /** Replaces every program in place by one that tells; only one at a time. */
  openWatch(): Watching;

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
  /** Calls back whenever a device or a route of the host may have changed; with its index where it is only a device. */
  watch(onChange: (ifindex?: number) => void, signal: AbortSignal): void;
  close(): void;
}
