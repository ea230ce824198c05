import { type Kind, type Noun, notFound, nounOf } from "@onehop/core";
import type { Api, Thing } from "./api.ts";
import { findId, isUuid, listThings } from "./objects.ts";

/** Names of the region as a file needs them: each owner's children are listed once, then kept up to date by hand. */
export class Directory {
  private readonly api: Api;
  private readonly lists = new Map<string, Promise<Map<string, Thing>>>();
  /** Objects that are only planned, by kind and name. */
  private readonly planned = new Map<string, Thing>();

  constructor(api: Api) {
    this.api = api;
  }

  /** The object with this name under this owner. */
  async find(noun: Noun, name: string, owner: string | undefined): Promise<Thing | undefined> {
    return (await this.childrenOf(noun, owner)).get(name);
  }

  /** Id of the object a document names, looked for under the owners it names; without an owner, in the whole region. */
  async idOf(noun: Noun, ref: string, owners: Partial<Record<Kind, string>>): Promise<string> {
    if (isUuid(ref)) return ref;
    const parent = noun.parent;
    const ownerRef = parent && owners[parent.kind];
    if (parent && ownerRef === undefined)
      return findId(this.api, noun, ref, owners).catch(
        (error) => this.planned.get(`${noun.kind}/${ref}`)?.id ?? raise(error),
      );
    const owner = parent && ownerRef !== undefined ? await this.idOf(nounOf(parent.kind), ownerRef, owners) : undefined;
    const found = await this.find(noun, ref, owner);
    if (!found) throw notFound(noun.kind, ref);
    return found.id;
  }

  async put(noun: Noun, owner: string | undefined, thing: Thing): Promise<void> {
    (await this.childrenOf(noun, owner)).set(thing.name, thing);
  }

  /** Takes an object for created: what a dry run would have made, with an id that no object has. */
  async plan(noun: Noun, owner: string | undefined, name: string): Promise<void> {
    const id = `(${noun.kind} ${name})`;
    const thing: Thing = { id, name, labels: {}, revision: 0, status: { state: "pending" } };
    this.planned.set(`${noun.kind}/${name}`, thing);
    await this.put(noun, owner, thing);
  }

  async replace(noun: Noun, thing: Thing): Promise<void> {
    const owner = noun.parent ? String(thing[noun.parent.field]) : undefined;
    await this.put(noun, owner, thing);
  }

  forget(noun: Noun, owner: string | undefined): void {
    this.lists.delete(keyOf(noun, owner));
  }

  private childrenOf(noun: Noun, owner: string | undefined): Promise<Map<string, Thing>> {
    const key = keyOf(noun, owner);
    const known = this.lists.get(key) ?? this.load(noun, owner);
    this.lists.set(key, known);
    return known;
  }

  private async load(noun: Noun, owner: string | undefined): Promise<Map<string, Thing>> {
    // Nothing is in what is only planned.
    if (owner !== undefined && !isUuid(owner)) return new Map();
    const query = noun.parent && owner !== undefined ? { [noun.parent.field]: owner } : {};
    const things = await listThings(this.api, noun, query as Record<string, string>);
    return new Map(things.map((t) => [t.name, t]));
  }
}

const keyOf = (noun: Noun, owner: string | undefined): string => `${noun.plural}/${owner ?? "-"}`;

const raise = (error: unknown): never => {
  throw error;
};
