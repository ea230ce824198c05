/**
 * Memory with guarantees, one interface over etcd and over the in-memory twin; both pass test/conformance.ts.
 *
 * - Linearizable: a read that starts after a write was acknowledged sees it.
 * - Every committed transaction has one revision, greater than all before it; a transaction happens wholly or not at all.
 * - A watch delivers every change of its prefix after the given revision, in order, exactly once, or ends with
 *   `compacted` or `restored`; a batch holds whole transactions.
 * - A key put under a lease is deleted when the lease ends.
 */
export interface Store {
  get(key: string): Promise<Entry | undefined>;
  range(query: RangeQuery): Promise<RangeResult>;
  /** At most MAX_OPS operations and compares each; more is the caller's error. */
  txn(txn: Txn): Promise<TxnResult>;
  /**
   * Ends by `signal`, or throws StoreError: `compacted` when `after` is older than the compaction, `restored` when it is a
   * revision that the store has not come to. Resumes by itself after a lost connection.
   */
  watch(prefix: string, after: number, signal: AbortSignal): AsyncIterable<WatchBatch>;
  grantLease(ttlSeconds: number): Promise<string>;
  /** False where the lease is gone. */
  keepAlive(lease: string): Promise<boolean>;
  revokeLease(lease: string): Promise<void>;
  /** Forgets the history before `revision`; reads and watches from older ones answer `compacted`. */
  compact(revision: number): Promise<void>;
  close(): Promise<void>;
}

/** Etcd's limit of operations in a transaction. */
export const MAX_OPS = 128;
/** Etcd's limit of a request, in bytes (--max-request-bytes). */
export const MAX_REQUEST_BYTES = 1_572_864;
/** For those who group: room is left for the heads of messages. */
export const MAX_TXN_BYTES = 1_200_000;
/** Of keys and values; each operation has a head of a few bytes more. */
export function bytesOfOp(op: Op): number {
  const head = 24;
  if ("put" in op) return head + Buffer.byteLength(op.put) + Buffer.byteLength(op.value);
  return head + Buffer.byteLength("delete" in op ? op.delete : op.deletePrefix);
}

export interface Entry {
  readonly key: string;
  readonly value: string;
  /** Revision at which the key came into being. */
  readonly create_revision: number;
  /** Revision of its last change. */
  readonly mod_revision: number;
}

export interface RangeQuery {
  readonly prefix: string;
  /** First key of the page (inclusive); must have the prefix. */
  readonly from?: string;
  readonly limit?: number;
  /** Read the past: all pages of a listing at one revision. */
  readonly revision?: number;
  readonly keysOnly?: boolean;
}
export interface RangeResult {
  /** Revision the answer is true at. */
  readonly revision: number;
  /** Sorted by key. */
  readonly entries: readonly Entry[];
  /** Whether there are more keys than `limit`. */
  readonly more: boolean;
}

export type Compare =
  /** The key does not exist. */
  | { readonly absent: string }
  /** No key with this prefix exists. */
  | { readonly nonePrefixed: string }
  | { readonly exists: string }
  /** The key's last change was at this revision. */
  | { readonly key: string; readonly mod_revision: number }
  | { readonly key: string; readonly create_revision: number };

export type Op =
  | { readonly put: string; readonly value: string; readonly lease?: string }
  | { readonly delete: string }
  | { readonly deletePrefix: string };

export interface Txn {
  readonly compare: readonly Compare[];
  readonly then: readonly Op[];
}
export interface TxnResult {
  /** Whether all compares held, and so `then` was done. */
  readonly ok: boolean;
  readonly revision: number;
}

export interface Change {
  readonly key: string;
  /** Undefined: deleted. */
  readonly entry: Entry | undefined;
}
/** Whole transactions; no changes: there was none up to `revision`. */
export interface WatchBatch {
  readonly revision: number;
  readonly changes: readonly Change[];
}

/** restored: it is at an earlier revision than it was, so that what was read of it before may never have been. */
export type StoreErrorCode = "compacted" | "unavailable" | "no_space" | "too_large" | "lease_gone" | "restored";

export class StoreError extends Error {
  readonly code: StoreErrorCode;
  /** For `compacted`: the oldest revision that can still be read. */
  readonly revision: number | undefined;
  constructor(code: StoreErrorCode, message: string, revision?: number) {
    super(message);
    this.name = "StoreError";
    this.code = code;
    this.revision = revision;
  }
}
