import { type Entry, keys } from "@onehop/store";

/** Addresses of a network that are taken, by the port that has each. */
export type Taken = (networkId: string) => Iterable<{ readonly id: string; readonly addresses: readonly string[] }>;

/** Entries kept; the eldest goes first. */
const MOST = 20_000;

/**
 * What this process read or wrote last, by key: a guess that spares plans their reads. A transaction compares all that it
 * was planned upon, so a wrong guess costs another try. Nothing that is missing is remembered, and no user is told
 * anything by a guess alone.
 */
export class Recent {
  readonly #entries = new Map<string, Entry>();
  readonly #taken: Taken | undefined;

  constructor(taken?: Taken) {
    this.#taken = taken;
  }

  get(key: string): Entry | undefined {
    return this.#entries.get(key);
  }

  /** What lies under a prefix, where it is the addresses of a network. */
  under(prefix: string): Map<string, string> | undefined {
    const networkId = prefix.startsWith(ADDRESSES) ? prefix.slice(ADDRESSES.length, -1) : undefined;
    if (networkId === undefined || !this.#taken) return undefined;
    const found = new Map<string, string>();
    for (const { id, addresses } of this.#taken(networkId))
      for (const address of addresses) found.set(keys.address(networkId, address), id);
    return found;
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

const ADDRESSES = keys.addressesOf("").slice(0, -1);
