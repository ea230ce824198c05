import { type Change, StoreError, type WatchBatch } from "../store.ts";
import { storeError } from "./errors.ts";
import type { Event, KeyValue, WatchResponse } from "./messages.ts";
import { rangeOf } from "./range.ts";
import type { Transport } from "./transport.ts";

export interface WatchQuery {
  readonly prefix: string;
  /** Revision after which changes are told. */
  readonly after: number;
  readonly signal: AbortSignal;
}

/** The member that serves the watch is behind: it has been cut off, or the store was put back to an earlier state. */
export class Behind extends Error {}

/** One watch over one stream, until it breaks (throws), is compacted or behind (throws) or the signal aborts (ends). */
export async function* watchStream(transport: Transport, query: WatchQuery): AsyncGenerator<WatchBatch> {
  const stream = transport.open("Watch.Watch");
  const cancel = () => stream.cancel();
  query.signal.addEventListener("abort", cancel);
  try {
    if (query.signal.aborted) return;
    stream.write({ create_request: createRequest(query) });
    yield* batches(stream as AsyncIterable<WatchResponse>, query.after);
  } catch (error) {
    if (!query.signal.aborted) throw storeError(error);
  } finally {
    query.signal.removeEventListener("abort", cancel);
    cancel();
  }
}

/**
 * Begins at `after` itself, whose changes are then left out: etcd would start at the revision after it even where that
 * has just been compacted, and the deletions made in it are then missing.
 */
const createRequest = ({ prefix, after }: WatchQuery) => ({
  ...rangeOf(prefix),
  start_revision: Math.max(after, 1),
  progress_notify: true,
  fragment: true,
});

async function* batches(responses: AsyncIterable<WatchResponse>, after: number): AsyncGenerator<WatchBatch> {
  let at = after;
  let events: Event[] = [];
  for await (const response of responses) {
    if (response.canceled) throw cancelled(response, at);
    // Etcd would wait, without a word, until its revisions have come so far, whatever they are then.
    if (response.created && Number(response.header.revision) < after) throw new Behind();
    if (response.created) continue;
    events = events.length === 0 ? [...response.events] : events.concat(response.events);
    // A large response comes in pieces, and a transaction may be cut by them.
    if (response.fragment) continue;
    // Etcd speaks of its newest revision in the header: all before it has been sent only where there are no events.
    const revision = Number(events.at(-1)?.kv.mod_revision ?? response.header.revision);
    const changes = events.filter((e) => Number(e.kv.mod_revision) > at).map(changeOf);
    events = [];
    if (revision <= at) continue;
    at = revision;
    yield { revision, changes };
  }
  throw new StoreError("unavailable", "The store ended the watch.");
}

function cancelled(response: WatchResponse, at: number): StoreError {
  const oldest = Number(response.compact_revision);
  if (oldest === 0) return new StoreError("unavailable", `The store ended the watch: ${response.cancel_reason}.`);
  return new StoreError("compacted", `Revision ${at} is forgotten; the oldest one kept is ${oldest}.`, oldest);
}

const changeOf = ({ type, kv }: Event): Change => ({
  key: kv.key,
  entry: type === "DELETE" ? undefined : entryOf(kv),
});

export const entryOf = (kv: KeyValue) => ({
  key: kv.key,
  value: kv.value,
  create_revision: Number(kv.create_revision),
  mod_revision: Number(kv.mod_revision),
});
