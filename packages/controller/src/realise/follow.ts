import { type Change, type Clock, type Entry, pause, type Store, StoreError } from "@onehop/store";

export interface FollowOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly prefix: string;
  readonly signal: AbortSignal;
  /** Everything there is, at first and whenever the history was lost. */
  readonly onList: (entries: readonly Entry[], revision: number) => void;
  readonly onChanges: (changes: readonly Change[], revision: number) => void;
  readonly onError?: (error: unknown) => void;
}

const RETRY_MS = 200;

/** List, then watch; again whenever the watch ends. Resolves when the signal aborts. */
export async function follow(options: FollowOptions): Promise<void> {
  const { store, clock, prefix, signal } = options;
  while (!signal.aborted) {
    try {
      const { entries, revision } = await store.range({ prefix });
      options.onList(entries, revision);
      // Some only say how far the store is.
      for await (const batch of store.watch(prefix, revision, signal))
        if (batch.changes.length > 0) options.onChanges(batch.changes, batch.revision);
    } catch (error) {
      if (signal.aborted) return;
      options.onError?.(error);
      if (!(error instanceof StoreError && error.code === "compacted")) await pause(clock, RETRY_MS, signal);
    }
  }
}
