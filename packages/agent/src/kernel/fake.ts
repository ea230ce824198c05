import type { UseRow } from "@onehop/core";
import {
  Device as DeviceKind,
  Place as PlaceKind,
  type PortCounters,
  type WayCounters,
} from "@onehop/datapath/maps.gen";
import { type AnyTable, type GuestLink, KEY_TEXT, type NextHop, type Rows, TABLE_NAMES } from "../lower/index.ts";
import type { Attached, Attachment, Device, DropCount, HostConfig, Kernel, Tried, Watching } from "./kernel.ts";

/** A kernel in memory, for tests of everything above it. Its state outlives an agent, as pinned maps do. */
export class FakeKernel implements Kernel {
  /** What was done, in order: `write endpoints`, `attach endpoint p1`, `up oh…`. */
  readonly log: string[] = [];
  config: HostConfig | undefined;
  /** What a test wants to have been dropped. */
  dropped: DropCount[] = [];
  /** What it wants to have been learned. */
  uses: UseRow[] = [];
  /** What every port wants to have sent to other hosts. */
  sent: WayCounters = { direct: 0, by_hub: 0 };
  readonly #tables = new Map<string, Map<string, unknown>>(Object.keys(KEY_TEXT).map((name) => [name, new Map()]));
  /** Of its monotonic clock. */
  clock = 1_000_000_000_000n;
  readonly #attached = new Map<string, readonly [Attachment, { ifindex: number; generation: number }]>();
  readonly #devices = new Map<string, Device>();
  #generation = 0;
  #lastIfindex = 1;
  readonly #watchers = new Set<(ifindex?: number) => void>();

  /** A device that somebody made: an uplink, or one for a port to adopt. */
  addDevice(name: string, kind: Device["kind"] = "other", mtu = 1600): Device {
    const device: Device = { ifindex: ++this.#lastIfindex, name, kind, mtu, up: false };
    this.#devices.set(name, device);
    this.#told(device.ifindex);
    return device;
  }

  /** The device is gone, with what was attached to it. */
  dropDevice(name: string): void {
    const device = this.#devices.get(name);
    this.#devices.delete(name);
    if (!device) return;
    for (const row of this.#attached.values()) if (row[1].ifindex === device.ifindex) row[1].ifindex = 0;
    this.#told(device.ifindex);
  }

  load(config: HostConfig): void {
    this.config = config;
    this.#generation++;
  }

  read<T extends AnyTable>(table: T): Iterable<Rows[T]> {
    return [...this.#rows(table).values()];
  }
  get<T extends AnyTable>(table: T, key: Rows[T][0]): Rows[T][1] | undefined {
    return this.#rows(table).get(KEY_TEXT[table](key))?.[1];
  }
  write<T extends AnyTable>(table: T, rows: Iterable<Rows[T]>): void {
    this.log.push(`write ${table}`);
    for (const row of rows) this.#rows(table).set(KEY_TEXT[table](row[0]), row);
  }
  remove<T extends AnyTable>(table: T, keys: Iterable<Rows[T][0]>): void {
    this.log.push(`remove ${table}`);
    for (const key of keys) this.#rows(table).delete(KEY_TEXT[table](key));
  }
  counters(): PortCounters {
    return { tx_packets: 0, tx_bytes: 0, rx_packets: 0, rx_bytes: 0, class_packets: [0, 0, 0, 0, 0, 0, 0, 0] };
  }
  forget(slot: number): void {
    this.log.push(`forget ${slot}`);
  }
  drops(): DropCount[] {
    return this.dropped;
  }
  ways(): WayCounters {
    return this.sent;
  }
  learnedUse(): UseRow[] {
    return this.uses;
  }
  messages(): Record<string, number> {
    return {};
  }
  now(): bigint {
    return this.clock;
  }
  takeDropEvents(): void {}

  /** There are no programs in memory: a test says what they would do. */
  tryFrame(_slot: number | undefined, _frame: Uint8Array): Tried {
    throw new Error("No frame can be tried in memory.");
  }
  inject(ifindex: number): void {
    this.log.push(`inject ${ifindex}`);
  }
  openWatch(): Watching {
    throw new Error("Nothing can be watched in memory.");
  }

  *attachments(): Iterable<readonly [Attachment, Attached]> {
    for (const [what, { ifindex, generation }] of this.#attached.values())
      yield [what, { ifindex, current: generation === this.#generation ? 1 : 0 }];
  }
  attach(what: Attachment, ifindex: number): void {
    if (![...this.#devices.values()].some((d) => d.ifindex === ifindex)) throw new Error(`no device ${ifindex}`);
    this.log.push(`attach ${what.place} ${what.owner}`);
    this.#attached.set(`${what.place} ${what.owner}`, [what, { ifindex, generation: this.#generation }]);
  }
  detach(what: Attachment): void {
    this.log.push(`detach ${what.place} ${what.owner}`);
    this.#attached.delete(`${what.place} ${what.owner}`);
  }

  async devices(): Promise<ReadonlyMap<string, Device>> {
    return new Map(this.#devices);
  }
  async overlayDevice(): Promise<number> {
    return (this.#devices.get("oh-vxlan") ?? this.addDevice("oh-vxlan")).ifindex;
  }
  async makeGuestLink(link: GuestLink): Promise<void> {
    this.log.push(`make ${link.name}`);
    const device = this.addDevice(link.name, "veth", link.mtu);
    const made = { port_id: link.port_id, namespace: link.namespace, namespace_made: true };
    this.#devices.set(link.name, { ...device, made });
  }
  async removeGuestLink({ name }: Device): Promise<void> {
    this.log.push(`unmake ${name}`);
    this.dropDevice(name);
  }
  async setUp(names: readonly string[]): Promise<void> {
    for (const name of names) this.#turn(name, "up");
  }
  async setDown(names: readonly string[]): Promise<void> {
    for (const name of names) this.#turn(name, "down");
  }
  async nextHops(tunnels: readonly string[]): Promise<ReadonlyMap<string, NextHop>> {
    const uplink = [...this.#devices.values()].find((d) => d.kind === "other" && d.name !== "oh-vxlan");
    return new Map(uplink ? tunnels.map((t) => [t, { uplink: uplink.ifindex, next_hop: t }]) : []);
  }
  watch(onChange: (ifindex?: number) => void, signal: AbortSignal): void {
    this.#watchers.add(onChange);
    signal.addEventListener("abort", () => this.#watchers.delete(onChange));
  }
  close(): void {}

  /** All tables as text, sorted: equal kernels print equally. */
  dump(): string[] {
    return TABLE_NAMES.flatMap((name) =>
      [...this.#rows(name)].map(([key, row]) => `${name} ${key} ${JSON.stringify(row[1])}`),
    ).sort();
  }

  /** Ids of the ports whose device has a program. */
  guarded(): Set<string> {
    const endpoints = [...this.#attached.values()].filter(([what, to]) => what.place === "endpoint" && to.ifindex > 0);
    return new Set(endpoints.map(([what]) => what.owner));
  }

  #rows<T extends AnyTable>(table: T): Map<string, Rows[T]> {
    return this.#tables.get(table) as Map<string, Rows[T]>;
  }
  #turn(name: string, state: "up" | "down"): void {
    const device = this.#devices.get(name);
    if (!device) return;
    this.log.push(`${state} ${name}`);
    this.#devices.set(name, { ...device, up: state === "up" });
  }
  #told(ifindex: number): void {
    for (const watcher of [...this.#watchers]) watcher(ifindex);
  }
}

/** Whether a packet of one port to an address gets to its guest, told by what the kernels hold: a row for a row. */
export function reaches(kernels: readonly FakeKernel[], from: string, address: string): boolean {
  const at = kernels.find((k) => k.guarded().has(from));
  const sender = at && [...at.read("endpoints")].find(([, e]) => e.port === from)?.[1];
  if (!at || !sender) return false;
  const key = { vpc: sender.vpc, address };
  const found = at.get("destinations", key);
  if (found?.place === PlaceKind.LOCAL) return delivers(at, found.where);
  if (found?.place !== PlaceKind.REMOTE) return false;
  const host = at.get("hosts", found.where);
  const receiver = kernels.find((k) => k.config?.tunnel_address === host?.tunnel_address);
  if (!receiver?.get("tunnels", { address: at.config?.tunnel_address ?? "" })) return false;
  if (!receiver.get("vnis", { vni: sender.vpc })) return false;
  const there = receiver.get("destinations", key);
  return there?.place === PlaceKind.LOCAL && delivers(receiver, there.where);
}

function delivers(kernel: FakeKernel, slot: number): boolean {
  const endpoint = kernel.get("endpoints", slot);
  return endpoint !== undefined && endpoint.device !== DeviceKind.NONE && kernel.guarded().has(endpoint.port);
}
