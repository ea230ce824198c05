import {
  bytesOfOp,
  type Compare,
  type Entry,
  keys,
  MAX_OPS,
  MAX_TXN_BYTES,
  type Op,
  type RangeQuery,
  type Store,
  type Txn,
} from "@onehop/store";
import { type Change, joined, recordOf, textOf } from "./record.ts";

/** A transaction would make the overlay larger than one transaction of the store. */
export class OverlayFull extends Error {}

/** A key as the overlay has it: no entry where it is deleted. */
interface Written {
  readonly entry: Entry | undefined;
  readonly lease?: string;
}

/**
 * Transactions that are tried one after the other upon a store and written to it all at once, or never. What they
 * compared of the store is compared again then; of their writes only the outcome is left, and one record a VPC.
 */
export class Overlay implements Store {
  readonly #base: Store;
  readonly #room: number;
  readonly #read = new Map<string, Promise<Entry | undefined>>();
  readonly #ranges = new Map<string, Promise<readonly Entry[]>>();
  readonly #written = new Map<string, Written>();
  /** Keys ever written, by the folder that most ranges are within: such are asked for at every deletion. */
  readonly #folders = new Map<string, Set<string>>();
  /** The record of each VPC, by the beginning of its key. */
  readonly #records = new Map<string, { readonly key: string; readonly changes: Change[] }>();
  readonly #compares = new Map<string, Compare>();
  /** No less than any revision that was read: what is planned upon it takes it for one of the past. */
  #revision: number;

  /** `room`: operations that it may come to; a transaction that would make it more throws OverlayFull. */
  constructor(base: Store, revision: number, room = Number.POSITIVE_INFINITY) {
    this.#base = base;
    this.#revision = revision;
    this.#room = room;
  }

  async get(key: string): Promise<Entry | undefined> {
    const written = this.#written.get(key);
    return written ? written.entry : this.#baseEntry(key);
  }

  async range({ prefix, limit = Number.POSITIVE_INFINITY }: RangeQuery) {
    const found = new Map((await this.#baseRange(prefix)).map((e) => [e.key, e]));
    for (const key of this.#writtenUnder(prefix)) {
      const { entry } = this.#written.get(key)!;
      if (entry) found.set(key, entry);
      else found.delete(key);
    }
    const entries = [...found.values()].sort((a, b) => (a.key < b.key ? -1 : 1));
    return { revision: this.#revision, entries: entries.slice(0, limit), more: entries.length > limit };
  }

  async txn({ compare, then }: Txn) {
    const compared = new Map<string, Compare>();
    for (const c of compare) {
      if (!(await this.#holds(c))) return { ok: false, revision: this.#revision };
      if (!this.#isDecided(c)) compared.set(JSON.stringify(c), c);
    }
    const undo = await this.#apply(then);
    if (this.#room !== Number.POSITIVE_INFINITY && (await this.#sizeWith(compared)) > this.#room) {
      for (const back of undo.reverse()) back();
      throw new OverlayFull();
    }
    for (const [text, c] of compared) this.#compares.set(text, c);
    return { ok: true, revision: this.#revision };
  }

  /** All of it as one transaction of the store. */
  async net(): Promise<Txn> {
    const then: Op[] = [];
    for (const [key, { entry, lease }] of this.#written) {
      const base = await this.#baseEntry(key);
      if (!entry && base) then.push({ delete: key });
      else if (entry && (lease || base?.value !== entry.value))
        then.push({ put: key, value: entry.value, ...(lease ? { lease } : {}) });
    }
    for (const { key, changes } of this.#records.values())
      if (changes.length > 0) then.push({ put: key, value: textOf({ changes: joined(changes) }) });
    return { compare: [...this.#compares.values()], then };
  }

  /** Whether all of it fits one transaction. */
  async fits(): Promise<boolean> {
    return (await this.#sizeWith(new Map())) <= MAX_OPS;
  }

  grantLease = (seconds: number) => this.#base.grantLease(seconds);
  keepAlive = (lease: string) => this.#base.keepAlive(lease);
  revokeLease = (lease: string) => this.#base.revokeLease(lease);
  compact = (revision: number) => this.#base.compact(revision);
  watch: Store["watch"] = (prefix, after, signal) => this.#base.watch(prefix, after, signal);
  close = async () => undefined;

  async #sizeWith(compared: ReadonlyMap<string, Compare>): Promise<number> {
    const { then } = await this.net();
    if (then.reduce((sum, op) => sum + bytesOfOp(op), 0) > MAX_TXN_BYTES) return Number.POSITIVE_INFINITY;
    return Math.max(then.length, new Set([...this.#compares.keys(), ...compared.keys()]).size);
  }

  #baseEntry(key: string): Promise<Entry | undefined> {
    const found = this.#read.get(key) ?? this.#base.get(key).then((entry) => this.#seen(entry));
    this.#read.set(key, found);
    return found;
  }

  #baseRange(prefix: string): Promise<readonly Entry[]> {
    const found = this.#ranges.get(prefix) ?? this.#base.range({ prefix }).then((r) => r.entries);
    this.#ranges.set(prefix, found);
    return found;
  }

  #seen(entry: Entry | undefined): Entry | undefined {
    this.#revision = Math.max(this.#revision, entry?.mod_revision ?? 0);
    return entry;
  }

  async #holds(c: Compare): Promise<boolean> {
    if ("absent" in c) return (await this.get(c.absent)) === undefined;
    if ("exists" in c) return (await this.get(c.exists)) !== undefined;
    if ("nonePrefixed" in c) return (await this.range({ prefix: c.nonePrefixed })).entries.length === 0;
    const entry = await this.get(c.key);
    if ("mod_revision" in c) return (entry?.mod_revision ?? 0) === c.mod_revision;
    return (entry?.create_revision ?? 0) === c.create_revision;
  }

  /**
   * Whether the overlay's own writes decide it, so that the store need not be asked again. Where children that the store
   * has are deleted here, new ones are noticed all the same: each moves its parent's counts, which deleting them compares.
   */
  #isDecided(c: Compare): boolean {
    if ("absent" in c) return this.#written.has(c.absent);
    if ("exists" in c) return this.#written.has(c.exists);
    if ("nonePrefixed" in c) return this.#writtenUnder(c.nonePrefixed).length > 0;
    return this.#written.has(c.key);
  }

  /** Answers what takes it back, to be called from the last to the first. */
  async #apply(ops: readonly Op[]): Promise<(() => void)[]> {
    const undo: (() => void)[] = [];
    for (const op of ops) {
      if ("put" in op && op.put.startsWith(keys.histories)) undo.push(this.#record(op.put, op.value));
      else if ("put" in op)
        undo.push(
          this.#write(op.put, { entry: this.#entry(op.put, op.value), ...(op.lease ? { lease: op.lease } : {}) }),
        );
      else if ("delete" in op) undo.push(this.#write(op.delete, { entry: undefined }));
      else
        for (const { key } of (await this.range({ prefix: op.deletePrefix })).entries)
          undo.push(this.#write(key, { entry: undefined }));
    }
    return undo;
  }

  #writtenUnder(prefix: string): string[] {
    const folder = folderOf(prefix);
    const candidates = folder === undefined ? this.#written.keys() : (this.#folders.get(folder) ?? []);
    return [...candidates].filter((key) => key.startsWith(prefix) && this.#written.has(key));
  }

  #write(key: string, written: Written): () => void {
    const before = this.#written.get(key);
    const folder = folderOf(key) ?? "";
    this.#folders.set(folder, (this.#folders.get(folder) ?? new Set()).add(key));
    this.#written.set(key, written);
    return () => (before ? this.#written.set(key, before) : this.#written.delete(key));
  }

  /** The record of a VPC takes in those after it. */
  #record(key: string, value: string): () => void {
    const vpc = key.slice(0, key.lastIndexOf("/") + 1);
    const record = this.#records.get(vpc) ?? { key, changes: [] };
    this.#records.set(vpc, record);
    const { length } = record.changes;
    record.changes.push(...recordOf(value).changes);
    return () => record.changes.splice(length);
  }

  #entry(key: string, value: string): Entry {
    return { key, value, create_revision: this.#revision, mod_revision: this.#revision };
  }
}

/** `/onehop/v1/child/<id>` of `/onehop/v1/child/<id>/ports/…`; undefined where the key, or prefix, does not reach below. */
function folderOf(key: string): string | undefined {
  const parts = key.split("/");
  return parts.length > DEPTH ? parts.slice(0, DEPTH).join("/") : undefined;
}
const DEPTH = 5;
