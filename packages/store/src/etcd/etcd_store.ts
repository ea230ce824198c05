import { type Clock, pause, systemClock } from "../clock.ts";
import { restored } from "../restored.ts";
import {
  type Compare,
  type Entry,
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
import type { CompareMessage, RequestOp } from "./messages.ts";
import { rangeOf } from "./range.ts";
import { type StoreTls, Transport } from "./transport.ts";
import { Behind, entryOf, watchStream } from "./watch.ts";

/** Keys read in one call: a listing of everything must not hold up the store or outlast the deadline. */
const PAGE = 5_000;
/** Before a broken watch is opened again; the connection has its own back-off. */
const REWATCH_MS = 50;

export interface EtcdOptions {
  /** For each call, connecting included; by default an unreachable store is told within two seconds. */
  readonly deadlineMs?: number;
  readonly clock?: Clock;
  /** For addresses of https. */
  readonly tls?: StoreTls;
}

/** The store in etcd 3.4 or later. */
export class EtcdStore implements Store {
  readonly #transport: Transport;
  readonly #clock: Clock;
  readonly #closed = new AbortController();

  /** `addresses`: comma-separated `http(s)://ip:port`, or one `http(s)://name:port` or `unix:/path`. */
  constructor(addresses: string, options: EtcdOptions = {}) {
    this.#transport = new Transport(addresses, { deadlineMs: options.deadlineMs ?? 1_500, tls: options.tls });
    this.#clock = options.clock ?? systemClock;
  }

  async get(key: string): Promise<Entry | undefined> {
    this.#mustBeOpen();
    const { kvs } = await this.#transport.call("KV.Range", { key });
    return kvs[0] && entryOf(kvs[0]);
  }

  async range(query: RangeQuery): Promise<RangeResult> {
    this.#mustBeOpen();
    const wanted = query.limit ?? Number.POSITIVE_INFINITY;
    const entries: Entry[] = [];
    for (let page = query; ; ) {
      const limit = Math.min(PAGE, wanted - entries.length);
      const { revision, more, ...got } = await this.#page({ ...page, limit });
      for (const entry of got.entries) entries.push(entry);
      if (!more || entries.length >= wanted) return { revision, entries, more };
      page = { ...query, revision, from: `${entries.at(-1)?.key}\0` };
    }
  }

  async txn(txn: Txn): Promise<TxnResult> {
    checkTxn(txn);
    this.#mustBeOpen();
    const request = { compare: txn.compare.map(compareMessage), success: txn.then.map(requestOp) };
    const { succeeded, header } = await this.#transport.call("KV.Txn", request);
    return { ok: succeeded, revision: Number(header.revision) };
  }

  async *watch(prefix: string, after: number, signal: AbortSignal): AsyncIterable<WatchBatch> {
    const either = AbortSignal.any([signal, this.#closed.signal]);
    let at = after;
    while (!signal.aborted) {
      this.#mustBeOpen();
      try {
        for await (const batch of watchStream(this.#transport, { prefix, after: at, signal: either })) {
          at = batch.revision;
          yield batch;
        }
      } catch (error) {
        if (error instanceof Behind) await this.#mustHaveCome(prefix, at);
        else if (!(error instanceof StoreError && error.code === "unavailable")) throw error;
        await pause(this.#clock, REWATCH_MS, either);
      }
    }
  }

  /** One member may be behind the others for a moment; what all agree on may not. */
  async #mustHaveCome(prefix: string, revision: number): Promise<void> {
    const now = await this.#page({ prefix, limit: 1, keysOnly: true }).catch(() => undefined);
    if (now && now.revision < revision) throw restored(revision, now.revision);
  }

  async grantLease(ttlSeconds: number): Promise<string> {
    this.#mustBeOpen();
    return (await this.#transport.call("Lease.LeaseGrant", { TTL: ttlSeconds })).ID;
  }

  async keepAlive(lease: string): Promise<boolean> {
    this.#mustBeOpen();
    const { TTL } = await this.#transport.ask("Lease.LeaseKeepAlive", { ID: lease });
    return Number(TTL) > 0;
  }

  async revokeLease(lease: string): Promise<void> {
    this.#mustBeOpen();
    try {
      await this.#transport.call("Lease.LeaseRevoke", { ID: lease });
    } catch (error) {
      if (!(error instanceof StoreError && error.code === "lease_gone")) throw error;
    }
  }

  async compact(revision: number): Promise<void> {
    this.#mustBeOpen();
    try {
      await this.#transport.call("KV.Compact", { revision, physical: false });
    } catch (error) {
      // Forgotten before: what was asked for is so.
      if (!(error instanceof StoreError && error.code === "compacted")) throw error;
    }
  }

  async close(): Promise<void> {
    this.#closed.abort();
    this.#transport.close();
  }

  async #page(query: RangeQuery): Promise<RangeResult> {
    try {
      const { header, kvs, more } = await this.#transport.call("KV.Range", {
        ...rangeOf(query.prefix, query.from),
        ...(query.limit !== undefined && { limit: query.limit }),
        ...(query.revision !== undefined && { revision: query.revision }),
        ...(query.keysOnly && { keys_only: true }),
      });
      // The header names the newest revision, not the one that was read.
      return { revision: query.revision ?? Number(header.revision), entries: kvs.map(entryOf), more };
    } catch (error) {
      if (error instanceof StoreError && error.code === "compacted") throw await this.#withOldest(query);
      throw error;
    }
  }

  /** A read does not tell how far the compaction went; a watch from the beginning does. */
  async #withOldest({ prefix, revision = 0 }: RangeQuery): Promise<unknown> {
    try {
      const probe = watchStream(this.#transport, { prefix, after: 0, signal: this.#closed.signal });
      for await (const _ of probe) break;
      return new StoreError("compacted", `Revision ${revision} is forgotten.`);
    } catch (error) {
      if (!(error instanceof StoreError && error.code === "compacted")) return error;
      const message = `Revision ${revision} is forgotten; the oldest one kept is ${error.revision}.`;
      return new StoreError("compacted", message, error.revision);
    }
  }

  #mustBeOpen(): void {
    if (this.#closed.signal.aborted) throw new StoreError("unavailable", "The store was closed.");
  }
}

function compareMessage(compare: Compare): CompareMessage {
  // A key that is not there has create revision 0; over a range, all keys of it must match.
  const absent = { result: "EQUAL", target: "CREATE", create_revision: 0 } as const;
  if ("absent" in compare) return { ...absent, key: compare.absent };
  if ("nonePrefixed" in compare) return { ...absent, ...rangeOf(compare.nonePrefixed) };
  if ("exists" in compare) return { ...absent, result: "NOT_EQUAL", key: compare.exists };
  if ("mod_revision" in compare) return { result: "EQUAL", target: "MOD", ...compare };
  return { result: "EQUAL", target: "CREATE", ...compare };
}

function requestOp(op: Op): RequestOp {
  if ("put" in op)
    return { request_put: { key: op.put, value: op.value, ...(op.lease !== undefined && { lease: op.lease }) } };
  return { request_delete_range: "delete" in op ? { key: op.delete } : rangeOf(op.deletePrefix) };
}
