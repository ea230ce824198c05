import type { Held } from "@onehop/core";
import { type Clock, type Entry, keys, type Store, StoreError } from "@onehop/store";
import type { Logger } from "pino";
import { follow } from "../realise/follow.ts";
import { Guarded } from "./guarded.ts";
import {
  type Freeze,
  isBehind,
  type Mark,
  parseEpoch,
  type StoredEpoch,
  seenIn,
  sentenceOf,
  textOf,
} from "./stored.ts";

export interface SentryOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Of this controller. */
  readonly name: string;
  readonly logger: Pick<Logger, "error" | "warn">;
}

interface Looked {
  readonly stored: StoredEpoch | undefined;
  readonly entry: Entry | undefined;
  readonly revision: number;
}

/**
 * Stands between this controller and a store that is not the one it was: restored from an older copy, or empty. What this
 * process and the hosts have seen of the store is kept in mind; where the store has less, it is frozen, for all controllers,
 * until an operator raises its epoch (docs/decisions/0010-frozen-stores.md).
 */
export class Sentry {
  /** For everything that keeps what it reads: fails while the store is behind of what was read of it. */
  readonly guarded: Guarded;
  readonly #options: SentryOptions;
  readonly #listeners = new Set<() => void>();
  #epoch = 1;
  #frozen: Freeze | undefined;
  /** What this process has read of the store. */
  #seen: Mark = { epoch: 1, revision: 0 };
  /** The store is behind of that. */
  #lost = false;
  /** That it is frozen was read of the store, where it can be lifted again. */
  #isStored = false;
  #looking: Promise<void> | undefined;

  constructor(options: SentryOptions) {
    this.#options = options;
    this.guarded = new Guarded(options.store, {
      now: () => this.#seen.revision,
      isLost: () => this.#lost,
      saw: (revision) => this.#saw(revision),
      behind: () => this.look(),
    });
  }

  /** Resolves when the store's epoch is known. */
  async open(): Promise<this> {
    const { store, clock, signal, logger } = this.#options;
    await this.look();
    void follow({
      store,
      clock,
      signal,
      prefix: keys.epoch,
      onList: () => void this.look(),
      onChanges: (changes) => changes.length > 0 && void this.look(),
      onError: (error) => {
        if (error instanceof StoreError && error.code === "restored") void this.look();
        else logger.warn({ err: error }, "The store's epoch cannot be followed; it is tried again.");
      },
    });
    return this;
  }

  get epoch(): number {
    return this.#epoch;
  }
  /** Why nothing may be written or sent; undefined: all is well. */
  get frozen(): Freeze | undefined {
    return this.#frozen;
  }
  get sentence(): string | undefined {
    return this.#frozen && sentenceOf(this.#frozen);
  }
  /** As the key `epoch` has it, or would have it. */
  get text(): string {
    return textOf({ epoch: this.#epoch, ...(this.#frozen ? { frozen: this.#frozen } : {}) });
  }
  get seen(): Mark {
    return this.#seen;
  }

  /** Told after each change of the epoch, and when the store freezes or thaws. */
  onChange(listener: () => void): void {
    this.#listeners.add(listener);
  }

  /**
   * A host says what it holds. True: that is more than is known of the store here, so that it is looked at again; the host
   * is to come back.
   */
  doubts(who: string, held: readonly Held[]): boolean {
    const seen = seenIn(held);
    if (!seen || this.#frozen || !isBehind({ ...this.#seen, epoch: this.#epoch }, seen)) return false;
    void this.look({ seen, by: who });
    return true;
  }

  /** Compares the store with what was seen of it. Never rejects: a store that does not answer says nothing. */
  async look(claim?: Required<Pick<Freeze, "seen" | "by">>): Promise<void> {
    // One at a time, and one more after it: what is asked now may not be what was asked then.
    while (this.#looking) await this.#looking;
    this.#looking = this.#look(claim).catch((error) => {
      this.#options.logger.warn({ err: error }, "The store's epoch cannot be read; it is tried again.");
    });
    await this.#looking;
    this.#looking = undefined;
  }

  /**
   * An operator says that the store is to be used as it is: its epoch is now higher than any that was seen. Undefined:
   * somebody else has changed it at the same moment.
   */
  async accept(): Promise<{ readonly epoch: number; readonly was: Freeze } | undefined> {
    const { store } = this.#options;
    const { stored, entry } = await this.#read();
    const was = this.#frozen ?? stored?.frozen ?? {};
    const epoch = 1 + Math.max(this.#epoch, this.#seen.epoch, stored?.epoch ?? 0, was.seen?.epoch ?? 0);
    const compare = [entry ? { key: keys.epoch, mod_revision: entry.mod_revision } : { absent: keys.epoch }];
    const { ok } = await store.txn({ compare, then: [{ put: keys.epoch, value: String(epoch) }] });
    await this.look();
    return ok ? { epoch, was } : undefined;
  }

  #saw(revision: number): void {
    if (!this.#lost && revision > this.#seen.revision) this.#seen = { epoch: this.#epoch, revision };
  }

  async #read(): Promise<Looked> {
    const { entries, revision } = await this.#options.store.range({ prefix: keys.epoch, limit: 1 });
    return { stored: parseEpoch(entries[0]?.value), entry: entries[0], revision };
  }

  async #look(claim: Required<Pick<Freeze, "seen" | "by">> | undefined): Promise<void> {
    const own = { seen: this.#seen, by: `controller ${this.#options.name}` };
    const looked = await this.#read();
    const { stored, revision } = looked;
    const before = this.text;
    const store = { epoch: stored?.epoch ?? this.#epoch, revision };
    const witness = [own, ...(claim ? [claim] : [])].find(({ seen }) => isBehind(store, seen));
    if (witness) await this.#freeze({ ...witness, store }, looked);
    else this.#trust(stored, store);
    if (this.text === before) return;
    if (this.#frozen) this.#options.logger.error({ ...this.#frozen }, sentenceOf(this.#frozen));
    else this.#options.logger.warn({ epoch: this.#epoch }, "The store is used as it is, under this epoch.");
    for (const listener of this.#listeners) listener();
  }

  /** Nobody here has seen more than there is. */
  #trust(stored: StoredEpoch | undefined, store: Mark): void {
    const isRaised = store.epoch > this.#epoch;
    if (this.#lost && !isRaised) return;
    this.#lost = false;
    this.#epoch = store.epoch;
    this.#seen = isRaised || store.revision > this.#seen.revision ? store : this.#seen;
    // What cannot be read may be of an operator who is at work, or of a later version.
    const isThawed = isRaised || this.#isStored;
    this.#isStored = stored?.frozen !== undefined;
    this.#frozen = stored ? (stored.frozen ?? (isThawed ? undefined : this.#frozen)) : {};
    // What was read of the store under another epoch may never have been.
    if (isRaised) this.guarded.startAnew();
  }

  async #freeze(freeze: Freeze & { readonly store: Mark }, { stored, entry }: Looked): Promise<void> {
    this.#lost ||= isBehind(freeze.store, this.#seen);
    if (this.#frozen?.seen && !isBehind(this.#frozen.seen, freeze.seen ?? freeze.store)) return;
    this.#frozen = freeze;
    if (this.#lost) this.guarded.startAnew();
    if (stored?.frozen?.seen) return;
    // So that every controller knows, also one that starts after the hosts that know have been told to come back.
    const compare = [entry ? { key: keys.epoch, mod_revision: entry.mod_revision } : { absent: keys.epoch }];
    const value = textOf({ epoch: freeze.store.epoch, frozen: freeze });
    await this.#options.store.txn({ compare, then: [{ put: keys.epoch, value }] });
  }
}
