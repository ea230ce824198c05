import { type Field, type Kind, NOUNS, type Noun, notFound, nounOf } from "@onehop/core";
import type { Api, Thing } from "./api.ts";
import { usage } from "./exit.ts";

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
export const isUuid = (text: string): boolean => UUID.test(text);

const KINDS = new Set<string>(NOUNS.map((n) => n.kind));

/** The noun whose id a field holds. Derived fields such as a port's `vpc_id` say so by their name only. */
export function refOf(name: string, field: Field): Kind | undefined {
  if (field.ref) return field.ref;
  const kind = name.endsWith("_id") ? name.slice(0, -3) : "";
  return KINDS.has(kind) ? (kind as Kind) : undefined;
}

/** Names of owners that narrow a search: `{project: "shop", vpc: "prod"}`; ids do as well. */
export type Scope = Partial<Record<Kind, string>>;

export type Query = Readonly<Record<string, string | readonly string[]>>;

export function queryText(query: Query): string {
  const pairs = Object.entries(query).flatMap(([name, value]) =>
    [value].flat().map((one) => [name, one] as [string, string]),
  );
  return pairs.length ? `?${new URLSearchParams(pairs)}` : "";
}

/** All objects that match, page by page. */
export async function listThings(api: Api, noun: Noun, query: Query = {}): Promise<Thing[]> {
  const items: Thing[] = [];
  let token: string | undefined;
  do {
    const page: Query = { ...query, limit: "1000", ...(token ? { page_token: token } : {}) };
    const { body } = await api.request("GET", `/v1/${noun.plural}${queryText(page)}`);
    const answer = body as { items: Thing[]; next_page_token?: string | null };
    items.push(...answer.items);
    token = answer.next_page_token ?? undefined;
  } while (token);
  return items;
}

export const pathOf = (noun: Noun, id: string): string => `/v1/${noun.plural}/${encodeURIComponent(id)}`;

export async function getThing(api: Api, noun: Noun, id: string): Promise<Thing> {
  return (await api.request("GET", pathOf(noun, id))).body as Thing;
}

/**
 * The object a user means: an id, a name, or a name behind its owners' names (`shop/prod/front`).
 * A name that several owners have is refused with the ids to choose from.
 */
export async function findThing(api: Api, noun: Noun, ref: string, scope: Scope = {}): Promise<Thing> {
  if (isUuid(ref)) return getThing(api, noun, ref);
  const cut = ref.lastIndexOf("/");
  const name = ref.slice(cut + 1);
  const owners = cut < 0 ? undefined : ref.slice(0, cut);
  const matches = await listThings(api, noun, { ...(await ownerQuery(api, noun, scope, owners)), name });
  if (matches.length > 1) throw ambiguous(noun, name, matches);
  if (!matches[0]) throw notFound(noun.kind, ref);
  return matches[0];
}

export async function findId(api: Api, noun: Noun, ref: string, scope: Scope = {}): Promise<string> {
  return isUuid(ref) ? ref : (await findThing(api, noun, ref, scope)).id;
}

/** Filters for the owners given, nearest first; the nearest one is enough, since its own owner is then known. */
async function ownerQuery(api: Api, noun: Noun, scope: Scope, owners: string | undefined): Promise<Query> {
  if (!noun.parent) {
    if (owners !== undefined) throw usage(`A ${noun.kind} has no owner; name it without a slash.`);
    return {};
  }
  const parent = nounOf(noun.parent.kind);
  const ref = owners ?? scope[parent.kind];
  if (ref !== undefined) return { [noun.parent.field]: await findId(api, parent, ref, scope) };
  for (const [field, f] of Object.entries(noun.fields)) {
    const kind = refOf(field, f);
    if (kind === undefined || kind === noun.kind || kind === "host" || scope[kind] === undefined) continue;
    return { [field]: await findId(api, nounOf(kind), scope[kind], scope) };
  }
  return {};
}

function ambiguous(noun: Noun, name: string, matches: readonly Thing[]): Error {
  const owner = noun.parent?.kind ?? "owner";
  return usage(
    `There are ${matches.length} ${noun.plural} named ${name}: ${matches.map((m) => m.id).join(", ")}.`,
    `name its ${owner}, as in ${owner.toUpperCase()}/${name} or --${owner} ${owner.toUpperCase()}, or give the id.`,
  );
}

/** A noun by its kind or plural, as users type it. */
export function nounNamed(text: string): Noun | undefined {
  const word = text.toLowerCase();
  return NOUNS.find((n) => n.kind === word || n.plural === word);
}

export const NOUN_WORDS: readonly string[] = NOUNS.flatMap((n) => [n.kind, n.plural]);
