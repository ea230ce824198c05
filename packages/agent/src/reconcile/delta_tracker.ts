import { merged, type Part, sizeOf } from "../lower/index.ts";

/**
 * What should be and what is, of one kind of thing, and what lies between:
 *
 *      desired        actual
 *     ┌─────────────┬─────────┬───────────┐
 *     │   updates   │ in sync │ deletions │     updates also: in both, but different
 *     └─────────────┴─────────┴───────────┘
 *
 * Rows are [key, value] by the key's text. What is desired comes in parts, so that a change costs what changed: once all
 * is in sync, parts that stay are passed over. Start-up and repair replace `actual` by what was read; both are then the same.
 */
export class DeltaTracker<Row extends readonly [unknown, unknown]> {
  #desired: readonly Part<Row>[] = [];
  readonly #actual = new Map<string, Row>();
  #updates = new Map<string, Row>();
  #deletions = new Map<string, Row>();

  /** All that is there, as read. */
  replaceActual(rows: readonly (readonly [text: string, row: Row])[]): void {
    if (this.#isKnown(rows)) return;
    this.#actual.clear();
    for (const [text, row] of rows) this.#actual.set(text, row);
    this.#compareAll();
  }

  /** All that should be there; of two rows with the same text the first one. */
  want(parts: readonly Part<Row>[]): void {
    const before = this.#desired;
    this.#desired = parts;
    if (!this.#isInSyncWith(before) || !this.#compareParts(before)) this.#compareAll();
  }

  actual(): ReadonlyMap<string, Row> {
    return this.#actual;
  }

  updates(): ReadonlyMap<string, Row> {
    return this.#updates;
  }

  /** As they are there. */
  deletions(): ReadonlyMap<string, Row> {
    return this.#deletions;
  }

  /** The row was written. */
  wrote(text: string, row: Row): void {
    this.#actual.set(text, row);
    this.#updates.delete(text);
  }

  /** The row was removed. */
  removed(text: string): void {
    this.#actual.delete(text);
    this.#deletions.delete(text);
  }

  /** Nothing changed behind our back: what is to be done stays as it is, and so do the rows. */
  #isKnown(rows: readonly (readonly [text: string, row: Row])[]): boolean {
    const isSame = ([text, [, value]]: readonly [string, Row]) => {
      const known = this.#actual.get(text);
      return known !== undefined && sameValue(known[1], value);
    };
    return rows.length === this.#actual.size && rows.every(isSame);
  }

  /** Each row that is there belongs to exactly one of these parts, and none is missing. */
  #isInSyncWith(parts: readonly Part<Row>[]): boolean {
    return this.#updates.size === 0 && this.#deletions.size === 0 && sizeOf(parts) === this.#actual.size;
  }

  /** All was in sync with the parts before. False: one that came overlaps one that stays, and nothing was done. */
  #compareParts(before: readonly Part<Row>[]): boolean {
    const came = merged(without(this.#desired, before));
    const left = merged(without(before, this.#desired));
    const updates = new Map<string, Row>();
    for (const [text, row] of came) {
      // As it is there: all was in sync.
      const was = left.get(text);
      if (was === row) continue;
      if (!was && this.#actual.has(text)) return false; // It belongs to a part that stays.
      if (!was || !sameValue(was[1], row[1])) updates.set(text, row);
    }
    this.#updates = updates;
    for (const text of left.keys()) if (!came.has(text)) this.#deletions.set(text, this.#actual.get(text)!);
    return true;
  }

  #compareAll(): void {
    const desired = merged(this.#desired);
    this.#updates.clear();
    this.#deletions.clear();
    for (const [text, row] of desired) {
      const is = this.#actual.get(text);
      if (!is || !sameValue(is[1], row[1])) this.#updates.set(text, row);
    }
    for (const [text, row] of this.#actual) if (!desired.has(text)) this.#deletions.set(text, row);
  }
}

function without<T>(all: readonly T[], some: readonly T[]): T[] {
  const excluded = new Set(some);
  return all.filter((one) => !excluded.has(one));
}
/** Values are numbers, strings, and lists of them, by name. */
export function sameValue(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  const left = a as Record<string, unknown>;
  const right = b as Record<string, unknown>;
  const names = Object.keys(left);
  return names.length === Object.keys(right).length && names.every((name) => sameValue(left[name], right[name]));
}
