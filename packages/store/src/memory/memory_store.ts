import { type Clock, systemClock } from "../clock.ts";
import { restored } from "../restored.ts";
import {
  type Change,
  type Compare,
  type Entry,
  MAX_REQUEST_BYTES,
  type Op,
  type RangeQuery,
  type RangeResult,
  type Store,
  StoreError,
  type Txn,
  type TxnResult,
  type WatchBatch,
} from "../store.ts";
import { checkTxn } from "../txn_check.ts";
import { History, type MemoryCopy } from "./history.ts";
import { Leases } from "./leases.ts";

/** The store in this process's memory: the same guarantees for as long as the process lives; for tests and trials. */
export class MemoryStore implements Store {
  #history = new History();
  readonly #leases: Leases;
  /** Called, once each, at the next commit, compaction or close. */
  #wake = new Set<() => void>();
  #closed = false;

  constructor(options: { readonly clock?: Clock } = {}) {
    this.#leases = new Leases(options.clock ?? systemClock, (keys) =>
      this.#commit(keys.map((key) => ({ delete: key }))),
    );
  }

  async get(key: string): Promise<Entry | undefined> {
    this.#mustBeOpen();
    return this.#history.at(key);
  }

  async range(query: RangeQuery): Promise<RangeResult> {
    this.#mustBeOpen();
    const revision = this.#readable(query.revision);
    const limit = query.limit ?? Number.POSITIVE_INFINITY;
    const entries: Entry[] = [];
    for (const entry of this.#history.entries(query.prefix, query.from ?? "", revision)) {
      if (entries.length === limit) return { revision, entries, more: true };
      entries.push(query.keysOnly ? { ...entry, value: "" } : entry);
    }
    return { revision, entries, more: false };
  }

  async txn(txn: Txn): Promise<TxnResult> {
    checkTxn(txn);
    this.#mustBeOpen();
    checkSize(txn);
    const ok = txn.compare.every((c) => this.#holds(c));
    if (ok) this.#commit(txn.then);
    return { ok, revision: this.#history.revision };
  }

  async *watch(prefix: string, after: number, signal: AbortSignal): AsyncIterable<WatchBatch> {
    let at = after;
    while (!signal.aborted) {
      this.#mustBeOpen();
      if (at < this.#history.oldest) throw compacted(at, this.#history.oldest);
      const { revision } = this.#history;
      if (revision < at) throw restored(at, revision);
      if (revision <= at) {
        await this.#change(signal);
        continue;
      }
      const commits = this.#history.commitsAfter(at);
      at = revision;
      yield { revision, changes: commits.flatMap((c) => c.changes.filter((x) => x.key.startsWith(prefix))) };
    }
  }

  async grantLease(ttlSeconds: number): Promise<string> {
    this.#mustBeOpen();
    return this.#leases.grant(ttlSeconds);
  }

  async keepAlive(lease: string): Promise<boolean> {
    this.#mustBeOpen();
    return this.#leases.keepAlive(lease);
  }

  async revokeLease(lease: string): Promise<void> {
    this.#mustBeOpen();
    this.#leases.revoke(lease);
  }

  async compact(revision: number): Promise<void> {
    this.#mustBeOpen();
    this.#mustHaveHappened(revision);
    this.#history.compact(revision);
    this.#wakeAll();
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#leases.close();
    this.#wakeAll();
  }

  /** What it holds now; of the past, and of leases, nothing. */
  copy(): MemoryCopy {
    const { revision } = this.#history;
    return { revision, entries: [...this.#history.entries("", "", revision)] };
  }

  /** As etcd after the restore of a snapshot: everything is as it was when the copy was made, revisions included. */
  restore(copy: MemoryCopy): void {
    this.#history = History.of(copy);
    this.#wakeAll();
  }

  #mustBeOpen(): void {
    if (this.#closed) throw new StoreError("unavailable", "The store was closed.");
  }

  #readable(revision = this.#history.revision): number {
    this.#mustHaveHappened(revision);
    if (revision < this.#history.oldest) throw compacted(revision, this.#history.oldest);
    return revision;
  }

  #mustHaveHappened(revision: number): void {
    if (revision > this.#history.revision) throw new RangeError(`revision ${revision} has not happened yet`);
  }

  #holds(compare: Compare): boolean {
    if ("absent" in compare) return this.#history.at(compare.absent) === undefined;
    if ("exists" in compare) return this.#history.at(compare.exists) !== undefined;
    if ("nonePrefixed" in compare) {
      return this.#history.entries(compare.nonePrefixed, "", this.#history.revision).next().done === true;
    }
    const entry = this.#history.at(compare.key);
    if ("mod_revision" in compare) return (entry?.mod_revision ?? 0) === compare.mod_revision;
    return (entry?.create_revision ?? 0) === compare.create_revision;
  }

  #commit(ops: readonly Op[]): void {
    for (const op of ops) {
      if ("put" in op && op.lease !== undefined && !this.#leases.has(op.lease))
        throw new StoreError("lease_gone", `Lease ${op.lease} has ended.`);
    }
    const changes = once(ops.flatMap((op) => this.#changesOf(op)));
    if (changes.length === 0) return;
    for (const op of ops) if ("put" in op) this.#leases.attach(op.put, op.lease);
    for (const change of changes) if (!change.entry) this.#leases.attach(change.key, undefined);
    this.#history.commit(changes);
    this.#wakeAll();
  }

  #changesOf(op: Op): Change[] {
    if ("put" in op) {
      const revision = this.#history.revision + 1;
      const create_revision = this.#history.at(op.put)?.create_revision ?? revision;
      return [{ key: op.put, entry: { key: op.put, value: op.value, create_revision, mod_revision: revision } }];
    }
    if ("delete" in op) return this.#history.at(op.delete) ? [{ key: op.delete, entry: undefined }] : [];
    const gone = this.#history.entries(op.deletePrefix, "", this.#history.revision);
    return Array.from(gone, ({ key }) => ({ key, entry: undefined }));
  }

  #change(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        this.#wake.delete(done);
        signal.removeEventListener("abort", done);
        resolve();
      };
      this.#wake.add(done);
      signal.addEventListener("abort", done);
    });
  }

  #wakeAll(): void {
    for (const done of [...this.#wake]) done();
  }
}

/** A key that several operations delete is deleted once, by the first. */
function once(changes: readonly Change[]): Change[] {
  const seen = new Set<string>();
  return changes.filter(({ key }) => !seen.has(key) && seen.add(key));
}

function checkSize(txn: Txn): void {
  let bytes = 0;
  for (const op of txn.then) if ("put" in op) bytes += Buffer.byteLength(op.put) + Buffer.byteLength(op.value);
  if (bytes > MAX_REQUEST_BYTES)
    throw new StoreError("too_large", `A transaction of ${bytes} bytes is over the store's ${MAX_REQUEST_BYTES}.`);
}

const compacted = (revision: number, oldest: number): StoreError =>
  new StoreError("compacted", `Revision ${revision} is forgotten; the oldest one kept is ${oldest}.`, oldest);
