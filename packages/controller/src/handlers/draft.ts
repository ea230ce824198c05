import { conflict, type OnehopError } from "@onehop/core";
import type { Compare, Entry } from "@onehop/store";
import type { Note } from "../history/record.ts";
import type { Snapshot } from "./snapshot.ts";

/** A key that must not exist before the write. */
export interface Claim {
  readonly key: string;
  /** What the key will hold; undefined: nothing is written, the key must only be missing. */
  readonly value?: string;
  readonly lease?: string;
  /** How to refuse; missing where the system chose the key: then another try chooses another. */
  readonly refusal?: Refusal;
}

export interface Refusal {
  readonly code: string;
  /** JSON pointer to what the user chose. */
  readonly pointer: string;
  /** "The address 10.0.1.5": what is taken. */
  readonly what: string;
  readonly why?: string;
  readonly hint?: string;
  readonly retry_after?: number;
}

/** A write planned earlier upon the same snapshot takes, or deletes, what this one is about: plan upon a newer one. */
export class PlannedAlready extends Error {}

/** No key may exist with this prefix; `refuse` tells what does. */
export interface Unused {
  readonly prefix: string;
  readonly refuse: (children: readonly Entry[]) => Promise<OnehopError>;
}

/** One object's part of a transaction: what must hold, and what is then written. Handlers fill it, commit.ts does it. */
export class Draft {
  readonly snapshot: Snapshot;
  /** Keys read, as they were. */
  readonly reads = new Map<string, Compare>();
  readonly claims: Claim[] = [];
  readonly unused: Unused[] = [];
  readonly puts = new Map<string, { readonly value: string; readonly lease?: string }>();
  readonly deletes = new Set<string>();
  readonly deletePrefixes = new Set<string>();
  readonly bumps = new Map<string, number>();
  /** Key of the object that is created: an existing one with the same id is a retry, not a conflict. */
  creates: string | undefined;
  /** For the history of the object's VPC. */
  note: Note | undefined;

  constructor(snapshot: Snapshot) {
    this.snapshot = snapshot;
  }

  /** Reads a key; the write happens only if it is still so. */
  async read(key: string): Promise<Entry | undefined> {
    const entry = await this.snapshot.get(key);
    this.reads.set(key, entry ? { key, mod_revision: entry.mod_revision } : { absent: key });
    return entry;
  }

  claim(claim: Claim): void {
    if (this.snapshot.goes(claim.key)) throw new PlannedAlready(claim.key);
    if (this.snapshot.planned(claim.key) !== undefined)
      throw claim.refusal ? refuse(claim.refusal, "is given twice in this request") : new PlannedAlready(claim.key);
    this.claims.push(claim);
  }

  /** Adds to a counter and answers its new value. */
  async bump(key: string, by: number): Promise<number> {
    const before = await this.snapshot.count(key);
    const mine = (this.bumps.get(key) ?? 0) + by;
    this.bumps.set(key, mine);
    return before + mine;
  }

  put(key: string, value: string, lease?: string): void {
    this.puts.set(key, lease ? { value, lease } : { value });
  }

  delete(key: string): void {
    if (this.snapshot.goes(key)) throw new PlannedAlready(key);
    this.deletes.add(key);
  }

  /** Keys that come into being, for writes planned upon the same snapshot. */
  *creations(): Generator<{ key: string; value: string }> {
    for (const { key, value } of this.claims) if (value !== undefined) yield { key, value };
    for (const [key, { value }] of this.puts) yield { key, value };
  }
}

/** Of what a child's key holds. */
export const childIdOf = (value: string): string => value.split(" ", 1)[0]!;

/** `holder`: id of the object that has what was asked for. */
export const refuse = (r: Refusal, detail: string, holder?: string): OnehopError =>
  conflict(r.code, `${r.what} ${detail}.`, {
    errors: [{ pointer: r.pointer, detail }],
    ...(r.hint ? { hint: r.hint } : {}),
    ...(r.retry_after === undefined ? {} : { retry_after: r.retry_after }),
    ...(holder ? { fields: { held_by: holder } } : {}),
  });
