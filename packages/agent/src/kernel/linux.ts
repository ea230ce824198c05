import { basename, join } from "node:path";
import type { UseRow } from "@onehop/core";
import {
  attach,
  type Datapath,
  decode,
  detach,
  type EventReader,
  ensurePinFolder,
  HostRig,
  inject,
  listAttachments,
  openDatapath,
  openEvents,
  programInfo,
  replaceAll,
  type Settings,
  structCodec,
  type TypedMap,
} from "@onehop/datapath";
import { Constant, Drop, LAYOUT, Learn, type PortCounters, type WayCounters } from "@onehop/datapath/maps.gen";
import type { AnyTable, GuestLink, NextHop, Rows } from "../lower/index.ts";
import { sameValue } from "../reconcile/delta_tracker.ts";
import {
  ensureOverlayDevice,
  listDevices,
  makeGuestLink,
  nextHops,
  removeGuestLink,
  setDown,
  setUp,
} from "./devices.ts";
import { monitor } from "./ip.ts";
import type {
  Attached,
  Attachment,
  Device,
  DropCount,
  DropEvent,
  HostConfig,
  Kernel,
  Place,
  Tried,
  Watching,
} from "./kernel.ts";
import { microseconds, now } from "./times.ts";
import { watchOver } from "./watching.ts";

export interface LinuxOptions {
  readonly objectDir: string;
  /** Folder of this host on a bpf file system: maps in it, links in `links` below. */
  readonly pins: string;
  /** Seconds that a learned entry may lie unused; 300 where it is not said. */
  readonly learnedAge?: number | undefined;
}

const zeroOf = (struct: string): object => decode(structCodec<object>(LAYOUT, struct), new Uint8Array(4096));
/** Tables whose kernel map is an array: every key is always there, and zero is what others leave out. */
const ZERO: Readonly<Partial<Record<AnyTable, object>>> = {
  class_limits: zeroOf("class_limit"),
  hosts: zeroOf("host"),
  endpoints: zeroOf("endpoint"),
  peers: zeroOf("peer"),
  hub_sync: zeroOf("hub_sync"),
};

const REASONS = Object.fromEntries(Object.entries(Drop).map(([name, n]) => [n, name.toLowerCase()]));

const LEARN_NAMES = Object.fromEntries(Object.entries(Learn).map(([name, n]) => [n, name.toLowerCase()]));
const learnName = (n: number): string => LEARN_NAMES[n] ?? String(n);

type Programs = Readonly<Record<Place, { readonly fd: number; readonly id: number }>>;

function byPlace(programs: Datapath["programs"]): Programs {
  const program = (fd: number) => ({ fd, id: programInfo(fd).id });
  return {
    endpoint: program(programs.from_endpoint),
    uplink: program(programs.from_uplink),
    overlay: program(programs.from_overlay),
  };
}

/** The kernel of this machine, in the network namespace of this process. */
export class LinuxKernel implements Kernel {
  readonly #options: LinuxOptions;
  readonly #links: string;
  #config: HostConfig | undefined;
  #datapath: Datapath | undefined;
  #events: EventReader | undefined;
  /** Those that are put on devices: the working ones, or watching ones in their place. */
  #programs: Programs | undefined;
  #watching: Watching | undefined;
  /** Made when something is tried first. */
  #rig: HostRig | undefined;

  constructor(options: LinuxOptions) {
    this.#options = options;
    this.#links = join(options.pins, "links");
  }

  load(config: HostConfig): void {
    const { objectDir, pins } = this.#options;
    const loaded = openDatapath({ objectDir, pins, config: this.#settings(config) });
    ensurePinFolder(this.#links);
    this.close();
    this.#config = config;
    this.#datapath = loaded;
    this.#events = openEvents(loaded.fds);
    this.#programs = byPlace(loaded.programs);
  }

  *read<T extends AnyTable>(table: T): Iterable<Rows[T]> {
    const zero = ZERO[table];
    for (const row of this.#map(table).entries()) if (!sameValue(row[1], zero)) yield row as unknown as Rows[T];
  }

  get<T extends AnyTable>(table: T, key: Rows[T][0]): Rows[T][1] | undefined {
    const value = this.#map(table).get(key);
    return sameValue(value, ZERO[table]) ? undefined : value;
  }

  write<T extends AnyTable>(table: T, rows: Iterable<Rows[T]>): void {
    this.#map(table).setMany(rows as Iterable<[Rows[T][0], Rows[T][1]]>);
  }

  remove<T extends AnyTable>(table: T, keys: Iterable<Rows[T][0]>): void {
    const map = this.#map(table);
    const zero = ZERO[table] as Rows[T][1] | undefined;
    if (zero) for (const key of keys) map.set(key, zero);
    else map.deleteMany(keys);
  }

  counters(slot: number): PortCounters | undefined {
    return this.#loaded().maps.port_counters.get(slot);
  }

  forget(slot: number): void {
    const { port_counters, ways, drops } = this.#loaded().maps;
    port_counters.reset(slot);
    ways.reset(slot);
    for (const key of [...drops.keys()]) if (key.slot === slot) drops.delete(key);
  }

  drops(): DropCount[] {
    return [...this.#loaded().maps.drops.entries()].map(([key, { packets, bytes }]) => ({
      slot: key.slot === Constant.NO_SLOT ? undefined : key.slot,
      reason: REASONS[key.reason] ?? String(key.reason),
      packets,
      bytes,
    }));
  }

  ways(slot: number): WayCounters | undefined {
    return this.#loaded().maps.ways.get(slot);
  }

  learnedUse(): UseRow[] {
    const rows = [...this.#loaded().maps.learned_use.entries()];
    return rows.map(([{ vpc }, { entries, aged, evicted, refused }]) => ({ vpc, entries, aged, evicted, refused }));
  }

  messages(): Record<string, number> {
    const rows = [...this.#loaded().maps.learning.entries()];
    return Object.fromEntries(rows.flatMap(([n, { packets }]) => (n > 0 ? [[learnName(n), packets] as const] : [])));
  }

  now(): bigint {
    return now();
  }

  takeDropEvents(onEvent: (event: DropEvent, time: number) => void): void {
    this.#events?.drain((event) => onEvent(event, microseconds(event.time)));
  }

  tryFrame(slot: number | undefined, frame: Uint8Array): Tried {
    const live = this.#loaded();
    const { objectDir } = this.#options;
    this.#rig ??= new HostRig({ objectDir, config: this.#settings(this.#config!), live });
    return slot === undefined ? this.#rig.receive(frame) : this.#rig.send(slot, frame);
  }

  inject(ifindex: number, frame: Uint8Array): void {
    inject(this.#options.objectDir, ifindex, frame);
  }

  openWatch(): Watching {
    if (this.#watching) throw new Error("Somebody watches already.");
    const live = this.#loaded();
    const { objectDir } = this.#options;
    const working = this.#programs;
    const { programs, watching } = watchOver({ objectDir, config: this.#settings(this.#config!), live }, () => {
      this.#watching = undefined;
      this.#place(working);
    });
    this.#watching = watching;
    try {
      this.#place(byPlace(programs));
    } catch (error) {
      watching.close();
      throw error;
    }
    return watching;
  }

  *attachments(): Iterable<readonly [Attachment, Attached]> {
    for (const { pinPath, ifindex, program_id } of listAttachments(this.#links)) {
      const [place, owner] = splitPin(basename(pinPath));
      yield [
        { place, owner },
        { ifindex, current: program_id === this.#program(place).id ? 1 : 0 },
      ];
    }
  }

  attach(what: Attachment, ifindex: number): void {
    attach({ program: this.#program(what.place).fd, ifindex, pinPath: this.#pin(what) });
  }

  detach(what: Attachment, ifindex: number): void {
    detach(this.#pin(what), ifindex);
  }

  devices(): Promise<ReadonlyMap<string, Device>> {
    return listDevices();
  }
  overlayDevice(): Promise<number> {
    return ensureOverlayDevice();
  }
  makeGuestLink(link: GuestLink): Promise<void> {
    return makeGuestLink(link);
  }
  removeGuestLink(device: Device): Promise<void> {
    return removeGuestLink(device);
  }
  setUp(names: readonly string[]): Promise<void> {
    return setUp(names);
  }
  setDown(names: readonly string[]): Promise<void> {
    return setDown(names);
  }
  nextHops(tunnels: readonly string[]): Promise<ReadonlyMap<string, NextHop>> {
    return nextHops(tunnels);
  }
  watch(onChange: (ifindex?: number) => void, signal: AbortSignal): void {
    monitor(onChange, signal);
  }

  /** What is pinned goes on without us. */
  close(): void {
    this.#watching?.close();
    this.#rig?.close();
    this.#events?.close();
    this.#datapath?.close();
    this.#datapath = this.#events = this.#rig = undefined;
  }

  /** Puts programs on all devices that have some, in place. */
  #place(programs: Programs | undefined): void {
    this.#programs = programs;
    replaceAll(this.#links, (name) => this.#program(splitPin(name)[0]).fd);
  }

  #settings({ tunnel_address, number }: HostConfig): Settings {
    return { tunnel_address, host: number, learned_age: this.#options.learnedAge ?? 0 };
  }

  #loaded(): Datapath {
    if (!this.#datapath) throw new Error("The programs are not loaded yet.");
    return this.#datapath;
  }

  #program(place: Place): { readonly fd: number; readonly id: number } {
    if (!this.#programs) throw new Error("The programs are not loaded yet.");
    return this.#programs[place];
  }

  #map<T extends AnyTable>(table: T): TypedMap<Rows[T][0], Rows[T][1]> {
    return this.#loaded().maps[table] as unknown as TypedMap<Rows[T][0], Rows[T][1]>;
  }

  #pin({ place, owner }: Attachment): string {
    // A bpf file system takes no dots in names; devices may have them.
    return join(this.#links, `${place}_${owner.replaceAll(".", "%2e")}`);
  }
}

/** `endpoint_<port id>`, `uplink_<device>`: device names may have underscores, places have none. */
function splitPin(name: string): [Place, string] {
  const at = name.indexOf("_");
  return [name.slice(0, at) as Place, name.slice(at + 1).replaceAll("%2e", ".")];
}
