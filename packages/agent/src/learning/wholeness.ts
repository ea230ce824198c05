import type { Held, SliceId } from "@onehop/core";

/** What a controller sent, or said to be right, by the present stream: what was on disk may be long out of date. */
export class Wholeness {
  readonly #confirmed = new Set<SliceId>();

  /** A stream has begun. */
  reset(): void {
    this.#confirmed.clear();
  }

  confirm(id: SliceId): void {
    this.#confirmed.add(id);
  }

  /** Whether these are all confirmed. */
  covers(held: readonly Held[]): boolean {
    return held.length > 0 && held.every(({ id }) => this.#confirmed.has(id));
  }
}
