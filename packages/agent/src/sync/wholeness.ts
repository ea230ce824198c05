import type { Held, SliceId } from "@onehop/core";

/**
 * Which controller's stream vouches for each slice: it sent it, or said it to be right, and would tell of changes. What was
 * on disk may be long out of date, and so may be what came from a stream that is gone.
 */
export class Wholeness<S> {
  readonly #vouchers = new Map<SliceId, S>();

  confirm(id: SliceId, stream: S): void {
    this.#vouchers.set(id, stream);
  }

  /** The controller owns these no more; another may vouch for them already. */
  release(ids: Iterable<SliceId>, stream: S): void {
    for (const id of ids) if (this.#vouchers.get(id) === stream) this.#vouchers.delete(id);
  }

  ended(stream: S): void {
    this.release([...this.#vouchers.keys()], stream);
  }

  /** Of slices that are not there any more nothing is to be known. */
  keep(ids: ReadonlySet<SliceId>): void {
    for (const id of this.#vouchers.keys()) if (!ids.has(id)) this.#vouchers.delete(id);
  }

  voucherOf(id: SliceId): S | undefined {
    return this.#vouchers.get(id);
  }

  /** Those that vouch for something. */
  vouchers(): Set<S> {
    return new Set(this.#vouchers.values());
  }

  /** Whether somebody vouches for each of these. */
  covers(held: readonly Held[]): boolean {
    return held.length > 0 && held.every(({ id }) => this.#vouchers.has(id));
  }
}
