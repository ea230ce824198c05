import {
  type Entry,
  type RangeQuery,
  type RangeResult,
  restored,
  type Store,
  type Txn,
  type TxnResult,
  type WatchBatch,
} from "@onehop/store";

export interface Watchman {
  /** The highest revision that was seen. */
  readonly now: () => number;
  /** The store is behind of that: nothing is read of it. */
  readonly isLost: () => boolean;
  readonly saw: (revision: number) => void;
  /** An answer was behind of what was seen before it was asked for. Resolves when it is known what that means. */
  readonly behind: () => Promise<void>;
}

/**
 * A store whose revisions never run backwards: reads and watches fail with `restored` instead. Every answer must be at
 * least as new as what was seen when it was asked for, since the store is linearizable.
 */
export class Guarded implements Store {
  readonly #store: Store;
  readonly #watchman: Watchman;
  #anew = new AbortController();

  constructor(store: Store, watchman: Watchman) {
    this.#store = store;
    this.#watchman = watchman;
  }

  /** Ends all watches with `restored`: their readers list everything again. */
  startAnew(): void {
    this.#anew.abort();
    this.#anew = new AbortController();
  }

  /** By a listing, which tells the revision. */
  async get(key: string): Promise<Entry | undefined> {
    const { entries } = await this.range({ prefix: key, limit: 1 });
    return entries[0]?.key === key ? entries[0] : undefined;
  }

  range(query: RangeQuery): Promise<RangeResult> {
    // A reading of the past says nothing about the present.
    if (query.revision !== undefined) return this.#held(() => this.#store.range(query));
    return this.#checked(() => this.#store.range(query));
  }

  txn(txn: Txn): Promise<TxnResult> {
    return this.#checked(() => this.#store.txn(txn));
  }

  async *watch(prefix: string, after: number, signal: AbortSignal): AsyncIterable<WatchBatch> {
    this.#mustNotBeLost();
    const anew = this.#anew.signal;
    for await (const batch of this.#store.watch(prefix, after, AbortSignal.any([signal, anew]))) {
      if (anew.aborted) break;
      this.#watchman.saw(batch.revision);
      yield batch;
    }
    if (anew.aborted && !signal.aborted) throw restored(after, after);
  }

  grantLease = (seconds: number) => this.#held(() => this.#store.grantLease(seconds));
  keepAlive = (lease: string) => this.#store.keepAlive(lease);
  revokeLease = (lease: string) => this.#store.revokeLease(lease);
  compact = (revision: number) => this.#store.compact(revision);
  close = () => this.#store.close();

  async #checked<T extends { readonly revision: number }>(ask: () => Promise<T>): Promise<T> {
    const before = this.#watchman.now();
    const answer = await this.#held(ask);
    if (answer.revision < before) {
      await this.#watchman.behind();
      // Where an operator has accepted it, what was asked is true of the store as it is.
      if (this.#watchman.now() >= before) throw restored(before, answer.revision);
    }
    this.#watchman.saw(answer.revision);
    return answer;
  }

  #held<T>(ask: () => Promise<T>): Promise<T> {
    this.#mustNotBeLost();
    return ask();
  }

  #mustNotBeLost(): void {
    if (this.#watchman.isLost()) throw restored(this.#watchman.now(), 0);
  }
}
