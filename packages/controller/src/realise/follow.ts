import { type Change, type Clock, pause, type Store, StoreError } from "@onehop/store";

export interface FollowOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly prefix: string;
  readonly signal: AbortSignal;
  /** Everything there is, at first and whenever the history was lost. */
  readonly onList: (entries: readonly { readonly key: string; readonly value: string }[]) => void;
  readonly onChanges: (changes: readonly Change[]) => void;
  readonly onError?: (error: unknown) => void;
}

const RETRY_MS = 200;

/** List, then watch; again whenever the watch ends. Resolves when the signal aborts. */
export async function follow(options: FollowOptions): Promise<void> {
  const { store, clock, prefix, signal } = options;
  while (!signal.aborted) {
    try {
      const { entries, revision } = await store.range({ prefix });
      options.onList(entries);
      for await (const batch of store.watch(prefix, revision, signal)) options.onChanges(batch.changes);
    } catch (error) {
      if (signal.aborted) return;
      options.onError?.(error);
      if (!(error instanceof StoreError && error.code === "compacted")) await pause(clock, RETRY_MS, signal);
    }
  }
}
