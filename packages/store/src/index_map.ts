/** Objects by a property that many share, e.g. ports by network: group → id → object. */
export class IndexMap<T extends { readonly id: string }> {
  readonly #groups = new Map<string, Map<string, T>>();
  readonly #groupOf: (object: T) => string | undefined;

  /** Objects for which `groupOf` answers undefined are in no group. */
  constructor(groupOf: (object: T) => string | undefined) {
    this.#groupOf = groupOf;
  }

  /** The group's objects by id; empty where there are none. The map is live. */
  of(group: string): ReadonlyMap<string, T> {
    return this.#groups.get(group) ?? EMPTY;
  }

  /** Names of the groups that have objects. */
  groups(): IterableIterator<string> {
    return this.#groups.keys();
  }

  replace(before: T | undefined, after: T | undefined): void {
    if (before) this.#remove(before);
    if (after) this.#add(after);
  }

  #add(object: T): void {
    const group = this.#groupOf(object);
    if (group === undefined) return;
    const members = this.#groups.get(group);
    if (members) members.set(object.id, object);
    else this.#groups.set(group, new Map([[object.id, object]]));
  }

  #remove(object: T): void {
    const group = this.#groupOf(object);
    const members = group === undefined ? undefined : this.#groups.get(group);
    members?.delete(object.id);
    if (members?.size === 0) this.#groups.delete(group as string);
  }
}

const EMPTY: ReadonlyMap<string, never> = new Map<string, never>();
