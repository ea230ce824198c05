import { type Clock, type Compare, keys, type Op, pause, type Store } from "@onehop/store";
import { chosenFor } from "./rendezvous.ts";
import type { Roster } from "./roster.ts";

export interface ClaimsOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly roster: Roster;
  readonly self: string;
  /** Whether some host is interested in the shard. */
  readonly isWanted: (shard: string) => boolean;
  /** Whether this controller is a member: nobody else claims. */
  readonly isMember: () => boolean;
  readonly onGained: (shards: ReadonlySet<string>) => void;
  readonly onLost: (shards: ReadonlySet<string>) => void;
  readonly onError?: (error: unknown) => void;
}

/** Of one transaction, which holds twice as many operations, compares included. */
const BATCH = 60;
const RETRY_MS = 100;
/** Between givings back of what no host is interested in any more: it may be so again soon. */
const SWEEP_MS = 5000;

/**
 * The shards that are owned here: those that are wanted and for which rendezvous hashing chooses us. A claim is taken by
 * writing over whoever had it, who serves on until he sees that; the revision of the write is what fences him off.
 */
export class Claims {
  readonly #options: ClaimsOptions;
  /** Revision of each claim that we wrote and nobody has written over since, as far as is known. */
  readonly #mine = new Map<string, number>();
  readonly #due = new Set<string>();
  readonly #unwanted = new Set<string>();
  #chosen = new Map<string, boolean>();
  #working = false;

  constructor(options: ClaimsOptions) {
    this.#options = options;
    void this.#sweep();
  }

  /** Undefined: it is not owned here. */
  revisionOf(shard: string): number | undefined {
    return this.#mine.get(shard);
  }
  owned(): Iterable<string> {
    return this.#mine.keys();
  }
  guard(shard: string): Compare | undefined {
    const mod_revision = this.#mine.get(shard);
    return mod_revision === undefined ? undefined : { key: keys.claim(shard), mod_revision };
  }

  /** Other members live: every shard may have another owner. */
  membersMoved(wanted: Iterable<string>): void {
    this.#chosen = new Map();
    this.consider(wanted);
    this.consider(this.#options.roster.claims.keys());
  }

  /** Claims that others, or we, wrote or gave back. */
  claimsMoved(shards: ReadonlySet<string>): void {
    const { roster, onLost } = this.#options;
    const lost = new Set<string>();
    for (const shard of shards) {
      const mine = this.#mine.get(shard);
      const seen = roster.claims.get(shard)?.revision;
      if (mine === undefined || mine === seen || roster.revision < mine || (seen ?? mine) < mine) continue;
      this.#mine.delete(shard);
      lost.add(shard);
    }
    if (lost.size > 0) onLost(lost);
    this.consider(shards);
  }

  /** Shards that may have to be taken or given back. */
  consider(shards: Iterable<string>): void {
    for (const shard of shards) {
      if (this.#isToTake(shard)) this.#due.add(shard);
      else if (this.#isToGo(shard)) this.#unwanted.add(shard);
    }
    if (this.#due.size > 0 && !this.#working) void this.#take();
  }

  /** None is ours any more, whatever the store said. */
  forget(): void {
    const lost = new Set(this.#mine.keys());
    this.#mine.clear();
    this.#options.onLost(lost);
  }

  /** Others write over what we had; where there are none, it is given back. */
  async end(): Promise<void> {
    const { roster, self } = this.#options;
    if ([...roster.members.keys()].some((name) => name !== self)) return;
    await this.#release(new Set(this.#mine.keys()));
  }

  #isChosen(shard: string): boolean {
    const known = this.#chosen.get(shard);
    if (known !== undefined) return known;
    const { roster, self } = this.#options;
    const chosen = chosenFor(shard, roster.members.keys()) === self;
    this.#chosen.set(shard, chosen);
    return chosen;
  }

  #isToTake(shard: string): boolean {
    const { isWanted, isMember } = this.#options;
    return !this.#mine.has(shard) && isMember() && isWanted(shard) && this.#isChosen(shard);
  }

  /** Also what a controller that died has left. */
  #isToGo(shard: string): boolean {
    const { roster, isWanted } = this.#options;
    if (isWanted(shard)) return false;
    const claim = roster.claims.get(shard);
    return this.#mine.has(shard) || (claim !== undefined && !roster.members.has(claim.name) && this.#isChosen(shard));
  }

  async #take(): Promise<void> {
    const { clock, signal, onError } = this.#options;
    this.#working = true;
    while (this.#due.size > 0 && !signal.aborted) {
      const batch = [...this.#due].slice(0, BATCH);
      for (const shard of batch) this.#due.delete(shard);
      const wanted = batch.filter((shard) => this.#isToTake(shard));
      try {
        if (wanted.length === 0 || (await this.#claim(wanted))) continue;
      } catch (error) {
        onError?.(error);
      }
      // Somebody wrote one of them meanwhile, which the watch tells; or the store is away.
      await pause(clock, RETRY_MS, signal);
      for (const shard of wanted) this.#due.add(shard);
    }
    this.#working = false;
  }

  async #claim(shards: readonly string[]): Promise<boolean> {
    const { store, self, onGained } = this.#options;
    const then = shards.map((shard): Op => ({ put: keys.claim(shard), value: self }));
    const { ok, revision } = await store.txn({ compare: shards.map((shard) => this.#asSeen(shard)), then });
    if (!ok) return false;
    for (const shard of shards) this.#mine.set(shard, revision);
    onGained(new Set(shards));
    // Who wrote over one of them before the answer came was told of while it was not ours.
    this.claimsMoved(new Set(shards));
    return true;
  }

  #asSeen(shard: string): Compare {
    const seen = this.#options.roster.claims.get(shard);
    const key = keys.claim(shard);
    return seen ? { key, mod_revision: seen.revision } : { absent: key };
  }

  async #sweep(): Promise<void> {
    const { clock, signal, isMember } = this.#options;
    while (!signal.aborted) {
      await pause(clock, SWEEP_MS, signal);
      if (signal.aborted) return;
      if (!isMember()) continue;
      const shards = new Set([...this.#unwanted].filter((shard) => this.#isToGo(shard)));
      this.#unwanted.clear();
      await this.#release(shards);
    }
  }

  async #release(shards: ReadonlySet<string>): Promise<void> {
    const { store, onError } = this.#options;
    const all = [...shards];
    for (let i = 0; i < all.length; i += BATCH) {
      const batch = all.slice(i, i + BATCH);
      try {
        const compare = batch.map((shard) => this.guard(shard) ?? this.#asSeen(shard));
        await store.txn({ compare, then: batch.map((shard) => ({ delete: keys.claim(shard) })) });
      } catch (error) {
        onError?.(error);
      }
    }
  }
}
