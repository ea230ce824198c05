import type { Entry } from "@onehop/store";

/** Entries kept; the eldest goes first. */
const MOST = 20_000;

/**
 * What this process read or wrote last, by key: a guess that spares plans their reads. A transaction compares all that it
 * was planned upon, so a wrong guess costs another try. Nothing that is missing is remembered, and no user is told
 * anything by a guess alone.
 */
export class Recent {
  readonly #entries = new Map<string, Entry>();

  get(key: string): Entry | undefined {
    return this.#entries.get(key);
  }

  note(entry: Entry): void {
    const known = this.#entries.get(entry.key);
    if (known && known.mod_revision > entry.mod_revision) return;
    this.#entries.delete(entry.key);
    this.#entries.set(entry.key, entry);
    if (this.#entries.size > MOST) this.#entries.delete(this.#entries.keys().next().value!);
  }

  forget(key: string): void {
    this.#entries.delete(key);
  }
}
