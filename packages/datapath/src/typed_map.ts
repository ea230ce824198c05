import type { MapLayout, TypeRef } from "./btf.ts";
import { type Codec, codecOf } from "./codec.ts";
import { isPerCpu } from "./map_kind.ts";
import { LAYOUT } from "./maps.gen.ts";
import * as sys from "./sys.ts";

/** Entries moved by one system call: measured best between 256 and 1,024. */
const BATCH = 512;

const align8 = (n: number): number => (n + 7) & ~7;

/** What both kinds of map share: keys, iteration in batches, deletion. */
class RawMap<K> {
  readonly fd: number;
  readonly layout: MapLayout;
  protected readonly key: Codec<K>;
  /** Bytes of a value as the kernel copies it: of all CPUs, where it is per CPU. */
  protected readonly stride: number;
  protected readonly keyBytes: Uint8Array;
  protected readonly keyView: DataView;
  protected readonly valueBytes: Uint8Array;
  protected readonly valueView: DataView;

  constructor(fd: number, layout: MapLayout, cpus: number) {
    this.fd = fd;
    this.layout = layout;
    this.key = codecOf<K>(LAYOUT, layout.key as TypeRef);
    const size = codecOf(LAYOUT, layout.value as TypeRef).size;
    this.stride = isPerCpu(layout) ? align8(size) * cpus : size;
    this.keyBytes = new Uint8Array(this.key.size);
    this.keyView = new DataView(this.keyBytes.buffer);
    this.valueBytes = new Uint8Array(this.stride);
    this.valueView = new DataView(this.valueBytes.buffer);
  }

  protected call(name: string): string {
    return `${this.layout.symbol}: ${name}`;
  }

  /** Reads the value of the key into valueBytes; false where there is none. */
  protected load(key: K): boolean {
    this.key.write(this.keyView, 0, key);
    const result = sys.mapLookup(this.fd, this.keyBytes, this.valueBytes);
    if (result === -sys.ERRNO.ENOENT) return false;
    sys.check(this.call("lookup"), result);
    return true;
  }

  /** Writes zeros, on every CPU where the map is per CPU. */
  protected zero(key: K): void {
    this.key.write(this.keyView, 0, key);
    this.valueBytes.fill(0);
    sys.check(this.call("update"), sys.mapUpdate(this.fd, this.keyBytes, this.valueBytes, 0));
  }

  /** Removes the entry; false where there was none. Entries of arrays cannot be removed (EINVAL). */
  delete(key: K): boolean {
    this.key.write(this.keyView, 0, key);
    const result = sys.mapDelete(this.fd, this.keyBytes);
    if (result === -sys.ERRNO.ENOENT) return false;
    sys.check(this.call("delete"), result);
    return true;
  }

  /** Every key with its value's bytes; entries that change meanwhile may or may not be seen. */
  protected *raw(): Generator<[K, DataView]> {
    let room = BATCH;
    let from: Uint8Array | null = null;
    for (let more = true; more; ) {
      const keys = new Uint8Array(room * this.key.size);
      const values = new Uint8Array(room * this.stride);
      const count = Uint32Array.of(room);
      const to: Uint8Array = new Uint8Array(Math.max(8, this.key.size));
      const result = sys.mapLookupBatch(this.fd, { from, to, keys, values, count });
      if (result === -sys.ERRNO.ENOSPC) {
        // One bucket of the hash holds more than there is room for.
        room *= 2;
        continue;
      }
      more = result !== -sys.ERRNO.ENOENT;
      if (more) sys.check(this.call("lookup batch"), result);
      const keyView = new DataView(keys.buffer);
      for (let i = 0; i < count[0]!; i++)
        yield [this.key.read(keyView, i * this.key.size), new DataView(values.buffer, i * this.stride, this.stride)];
      from = to;
    }
  }

  *keys(): Generator<K> {
    for (const [key] of this.raw()) yield key;
  }
}

/** A map of one value a key. Methods are synchronous system calls and throw SysError where the kernel refuses. */
export class TypedMap<K, V> extends RawMap<K> {
  private readonly value: Codec<V>;

  constructor(fd: number, layout: MapLayout) {
    super(fd, layout, 1);
    this.value = codecOf<V>(LAYOUT, layout.value as TypeRef);
  }

  get(key: K): V | undefined {
    return this.load(key) ? this.value.read(this.valueView, 0) : undefined;
  }

  /** Adds or replaces. A full map throws E2BIG, or ENOSPC where it is a trie. */
  set(key: K, value: V): void {
    this.key.write(this.keyView, 0, key);
    this.value.write(this.valueView, 0, value);
    sys.check(this.call("update"), sys.mapUpdate(this.fd, this.keyBytes, this.valueBytes, 0));
  }

  /** As set, in batches. Where it throws, entries before the one refused are written. */
  setMany(entries: Iterable<readonly [K, V]>): void {
    const keys = new Uint8Array(BATCH * this.key.size);
    const values = new Uint8Array(BATCH * this.stride);
    const [keyView, valueView] = [new DataView(keys.buffer), new DataView(values.buffer)];
    let n = 0;
    const flush = (): void => {
      if (n === 0) return;
      const result = sys.mapUpdateBatch(this.fd, keys, values, Uint32Array.of(n), null);
      sys.check(this.call("update batch"), result);
      n = 0;
    };
    for (const [key, value] of entries) {
      this.key.write(keyView, n * this.key.size, key);
      this.value.write(valueView, n * this.stride, value);
      if (++n === BATCH) flush();
    }
    flush();
  }

  /** Writes a value of zeros: what stands for "no entry" in an array, whose entries cannot be deleted. */
  clear(key: K): void {
    this.zero(key);
  }

  /** Removes those that are there. */
  deleteMany(keys: Iterable<K>): void {
    for (const key of keys) this.delete(key);
  }

  *entries(): Generator<[K, V]> {
    for (const [key, view] of this.raw()) yield [key, this.value.read(view, 0)];
  }

  [Symbol.iterator](): Generator<[K, V]> {
    return this.entries();
  }
}

/** A value whose fields are numbers or arrays of numbers. */
type Counters = object;

function add(sum: Record<string, unknown>, more: Record<string, unknown>): void {
  for (const [name, value] of Object.entries(more)) {
    const so_far = sum[name];
    sum[name] = Array.isArray(value)
      ? value.map((n: number, i) => n + (so_far as number[])[i]!)
      : (so_far as number) + (value as number);
  }
}

/** A map of counters, one value a key and CPU. */
export class CounterMap<K, V extends Counters> extends RawMap<K> {
  private readonly value: Codec<V>;

  constructor(fd: number, layout: MapLayout) {
    super(fd, layout, sys.check("possible CPUs", sys.possibleCpus()));
    this.value = codecOf<V>(LAYOUT, layout.value as TypeRef);
  }

  private sumOf(view: DataView): V {
    const step = align8(this.value.size);
    const sum = this.value.read(view, 0);
    for (let at = step; at < this.stride; at += step)
      add(sum as Record<string, unknown>, this.value.read(view, at) as Record<string, unknown>);
    return sum;
  }

  /** The sum over all CPUs. */
  get(key: K): V | undefined {
    return this.load(key) ? this.sumOf(this.valueView) : undefined;
  }

  /** Sets every CPU's value to zero. What a program adds meanwhile may be lost. */
  reset(key: K): void {
    this.zero(key);
  }

  *entries(): Generator<[K, V]> {
    for (const [key, view] of this.raw()) yield [key, this.sumOf(view)];
  }

  [Symbol.iterator](): Generator<[K, V]> {
    return this.entries();
  }
}
