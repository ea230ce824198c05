/**
 * What should be and what is, of one kind of thing, and what lies between:
 *
 *      desired        actual
 *     ┌─────────────┬─────────┬───────────┐
 *     │   updates   │ in sync │ deletions │     updates also: in both, but different
 *     └─────────────┴─────────┴───────────┘
 *
 * Rows are [key, value] by the key's text. Start-up and repair replace `actual` by what was read; both are then the same.
 */
export class DeltaTracker<Row extends readonly [unknown, unknown]> {
  #desired: ReadonlyMap<string, Row> = new Map();
  readonly #actual = new Map<string, Row>();

  /** All that is there, as read. */
  replaceActual(rows: Iterable<readonly [text: string, row: Row]>): void {
    this.#actual.clear();
    for (const [text, row] of rows) this.#actual.set(text, row);
  }

  /** All that should be there. */
  want(rows: ReadonlyMap<string, Row>): void {
    this.#desired = rows;
  }

  actual(): ReadonlyMap<string, Row> {
    return this.#actual;
  }

  *updates(): Iterable<readonly [text: string, row: Row]> {
    for (const [text, row] of this.#desired) {
      const is = this.#actual.get(text);
      if (!is || !sameValue(is[1], row[1])) yield [text, row];
    }
  }

  *deletions(): Iterable<readonly [text: string, row: Row]> {
    for (const [text, row] of this.#actual) if (!this.#desired.has(text)) yield [text, row];
  }

  /** The row was written. */
  wrote(text: string, row: Row): void {
    this.#actual.set(text, row);
  }

  /** The row was removed. */
  removed(text: string): void {
    this.#actual.delete(text);
  }
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
