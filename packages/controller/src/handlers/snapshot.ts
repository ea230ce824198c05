import type { Entry, Op, Store } from "@onehop/store";
import type { Draft } from "./draft.ts";
import type { Recent } from "./recent.ts";

/**
 * What writes were planned upon: everything read is kept, and compared when the write commits. So a snapshot that has
 * become old costs another try and never a mistake; many writes of one request can share it.
 */
export class Snapshot {
  readonly store: Store;
  /** Takes what is read and written; what it has is used by snapshots that guess. */
  readonly #recent: Recent | undefined;
  readonly #from: "store" | "guesses";
  #guessed = false;
  readonly #entries = new Map<string, Promise<Entry | undefined>>();
  readonly #ranges = new Map<string, Promise<Map<string, string>>>();
  /** Keys that planned writes will make, by the value they will have. */
  readonly #planned = new Map<string, string>();
  /** Keys that planned writes will delete. */
  readonly #going = new Set<string>();
  readonly #plannedBumps = new Map<string, number>();

  constructor(store: Store, recent?: Recent, from: "store" | "guesses" = "store") {
    this.store = store;
    this.#recent = recent;
    this.#from = from;
  }

  /** Whether something of it was not read from the store: it is good for a draft, and for no answer. */
  get guessed(): boolean {
    return this.#guessed;
  }

  get(key: string): Promise<Entry | undefined> {
    let found = this.#entries.get(key);
    if (!found) {
      found = this.#guess(key) ?? this.#read(key);
      this.#entries.set(key, found);
    }
    return found;
  }

  #guess(key: string): Promise<Entry> | undefined {
    const recent = this.#from === "guesses" ? this.#recent?.get(key) : undefined;
    if (!recent) return undefined;
    this.#guessed = true;
    return Promise.resolve(recent);
  }

  async #read(key: string): Promise<Entry | undefined> {
    const entry = await this.store.get(key);
    if (entry) this.#recent?.note(entry);
    else this.#recent?.forget(key);
    return entry;
  }

  /** Keys and values with a prefix, planned ones included: candidates, not compared at commit. */
  under(prefix: string): Promise<ReadonlyMap<string, string>> {
    let found = this.#ranges.get(prefix);
    if (!found) {
      found = this.#load(prefix);
      this.#ranges.set(prefix, found);
    }
    return found;
  }

  async #load(prefix: string): Promise<Map<string, string>> {
    const guess = this.#from === "guesses" ? this.#recent?.under(prefix) : undefined;
    if (guess) this.#guessed = true;
    const found = guess ?? new Map((await this.store.range({ prefix })).entries.map((e) => [e.key, e.value]));
    for (const [key, value] of this.#planned) if (key.startsWith(prefix)) found.set(key, value);
    return found;
  }

  /** The value that an earlier write of the same request gave to a key. */
  planned(key: string): string | undefined {
    return this.#planned.get(key);
  }

  /** Whether an earlier write of the same request deletes the key. */
  goes(key: string): boolean {
    return this.#going.has(key);
  }

  /** A counter as it will be after all that is planned. */
  async count(key: string): Promise<number> {
    return numberOf(await this.get(key)) + (this.#plannedBumps.get(key) ?? 0);
  }

  /** Makes a write visible to those planned after it. */
  async adopt(draft: Draft): Promise<void> {
    const ranges = await Promise.all([...this.#ranges].map(async ([prefix, map]) => ({ prefix, map: await map })));
    for (const { key, value } of draft.creations()) {
      this.#planned.set(key, value);
      for (const { prefix, map } of ranges) if (key.startsWith(prefix)) map.set(key, value);
    }
    for (const key of draft.deletes) this.#going.add(key);
    for (const [key, by] of draft.bumps) this.#plannedBumps.set(key, (this.#plannedBumps.get(key) ?? 0) + by);
  }

  /** Writes were committed: what was read of their keys, and what they made, is known to be this now. */
  settle(drafts: readonly Draft[], ops: readonly Op[], revision: number): void {
    const made = new Set(drafts.map((draft) => draft.creates));
    for (const op of ops) {
      if ("delete" in op) this.#recent?.forget(op.delete);
      if (!("put" in op) || !(this.#entries.has(op.put) || made.has(op.put))) continue;
      const entry = entryOf(op.put, op.value, revision);
      this.#entries.set(op.put, Promise.resolve(entry));
      this.#recent?.note(entry);
    }
    for (const draft of drafts)
      for (const [key, by] of draft.bumps) this.#plannedBumps.set(key, (this.#plannedBumps.get(key) ?? 0) - by);
  }

  /** Writes were not committed: something that they were planned upon is not so. */
  doubt(drafts: readonly Draft[]): void {
    for (const draft of drafts)
      for (const key of [...draft.reads.keys(), ...draft.bumps.keys()]) this.#recent?.forget(key);
  }
}

const entryOf = (key: string, value: string, revision: number): Entry => ({
  key,
  value,
  create_revision: revision,
  mod_revision: revision,
});

export const numberOf = (entry: Entry | undefined): number => (entry ? Number(entry.value) : 0);
