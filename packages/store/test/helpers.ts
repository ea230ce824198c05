import type { Change, Op, Store, WatchBatch } from "../src/store.ts";

let spaces = 0;
/** A prefix of its own for each test: the tests share a store and its revisions. */
export const space = () => `/t${++spaces}/`;

export type Own = () => { s: Store; p: string };

export const put = (s: Store, key: string, value: string) => commit(s, [{ put: key, value }]);
export const commit = async (s: Store, then: Op[]) => (await s.txn({ compare: [], then })).revision;

/** Reads a watch until `enough` of all changes so far, then ends it. */
export async function collect(s: Store, from: { p: string; after: number }, enough: (seen: Change[]) => boolean) {
  const end = new AbortController();
  const batches: WatchBatch[] = [];
  const seen: Change[] = [];
  for await (const batch of s.watch(from.p, from.after, end.signal)) {
    if (batch.changes.length > 0) batches.push(batch);
    seen.push(...batch.changes);
    if (enough(seen)) break;
  }
  return { batches, seen };
}

export const rejection = async (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => undefined,
    (error: unknown) => error,
  );
