import type { At, Meta } from "@onehop/core";
import { type Entry, type IntentView, keys } from "@onehop/store";

/** What this process follows of the store. */
export type Followed = Pick<
  IntentView,
  "projects" | "hosts" | "vpcs" | "networks" | "ports" | "routes" | "portsByNetwork"
>;

/** Entries kept; the eldest goes first. */
const MOST = 20_000;

/**
 * What this process read or wrote last, by key, and what it follows: a guess that spares plans their reads. A transaction
 * compares all that it was planned upon, so a wrong guess costs another try. Nothing that is missing is remembered, and no
 * user is told anything by a guess alone.
 */
export class Recent {
  readonly #entries = new Map<string, Entry>();
  readonly #followed: Followed | undefined;
  /** Entries of objects that are followed. */
  readonly #made = new WeakMap<object, Entry>();

  constructor(followed?: Followed) {
    this.#followed = followed;
  }

  get(key: string): Entry | undefined {
    const read = this.#entries.get(key);
    const followed = this.#object(key);
    return followed && followed.mod_revision > (read?.mod_revision ?? 0) ? followed : read;
  }

  /** What lies under a prefix, where it is the addresses of a network. */
  under(prefix: string): Map<string, string> | undefined {
    const networkId = prefix.startsWith(ADDRESSES) ? prefix.slice(ADDRESSES.length, -1) : undefined;
    if (networkId === undefined || !this.#followed) return undefined;
    const found = new Map<string, string>();
    for (const { id, addresses } of this.#followed.portsByNetwork.of(networkId).values())
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

  #object(key: string): Entry | undefined {
    if (!this.#followed || !key.startsWith(keys.objects)) return undefined;
    const [plural, id] = key.slice(keys.objects.length).split("/") as [Plural, string];
    const object = (this.#followed[plural] as ReadonlyMap<string, At<Meta>> | undefined)?.get(id);
    if (!object) return undefined;
    const made = this.#made.get(object) ?? entryOf(key, object);
    this.#made.set(object, made);
    return made;
  }
}

type Plural = Exclude<keyof Followed, "portsByNetwork">;
const ADDRESSES = keys.addressesOf("").slice(0, -1);

const entryOf = (key: string, { revision, ...object }: At<Meta>): Entry => ({
  key,
  value: JSON.stringify(object),
  create_revision: revision,
  mod_revision: revision,
});
