import { didYouMean, filterFields, PAGE_DEFAULT, PAGE_MAX } from "@onehop/api";
import { type At, invalid, type Noun, notFound, OnehopError } from "@onehop/core";
import { keys, type RangeResult, type Store, StoreError } from "@onehop/store";
import { type Caller, sees } from "../auth/caller.ts";
import { childIdOf } from "../handlers/draft.ts";
import type { Thing } from "../handlers/index.ts";
import { parse } from "../handlers/parse.ts";
import { projectOf } from "./write.ts";

/** Objects read from the store at once while a filter looks for some. */
const CHUNK = 1000;

export interface Read {
  readonly store: Store;
  readonly noun: Noun;
  readonly caller: Caller;
}

/** Values by name, as a query string gives them. */
export type QueryValues = Readonly<Record<string, string | readonly string[] | undefined>>;

export interface Listed {
  readonly items: readonly At<Thing>[];
  readonly revision: number;
  readonly next_page_token?: string;
}

/** An object that the caller may see; 404 otherwise, whichever the reason. */
export async function getOne({ store, noun, caller }: Read, id: string): Promise<At<Thing>> {
  const entry = await store.get(keys.object(noun.plural, id.toLowerCase()));
  const object = entry && parse(entry);
  if (!object || !isVisible(noun, caller, object)) throw notFound(noun.kind, id);
  return object;
}

export const isVisible = (noun: Noun, caller: Caller, object: Thing): boolean =>
  noun.kind === "host" || sees(caller, projectOf(noun, object));

/** One page of what the caller may see and the filters let through. */
export async function listPage(read: Read, query: QueryValues): Promise<Listed> {
  const { noun, caller } = read;
  const { watch: _, ...filters } = query;
  const passes = filterOf(noun, filters);
  const limit = limitOf(one(query, "limit"));
  const named = query.page_token === undefined ? await byName(read, query) : undefined;
  if (named) return { ...named, items: named.items.filter((o) => isVisible(noun, caller, o) && passes(o)) };
  const place = placeOf(noun, one(query, "page_token"));
  const items: At<Thing>[] = [];
  let { from, revision } = place;
  for (;;) {
    const page = await readChunk(read, from, revision);
    revision = page.revision;
    for (const entry of page.entries) {
      const object = parse(entry);
      if (!isVisible(noun, caller, object) || !passes(object)) continue;
      if (items.length === limit) return { items, revision, next_page_token: tokenOf(entry.key, revision) };
      items.push(object);
    }
    if (!page.more) return { items, revision };
    from = `${page.entries.at(-1)!.key}\0`;
  }
}

async function readChunk(
  { store, noun }: Read,
  from: string | undefined,
  revision: number | undefined,
): Promise<RangeResult> {
  try {
    return await store.range({
      prefix: keys.objectsOf(noun.plural),
      limit: CHUNK,
      ...(from === undefined ? {} : { from }),
      ...(revision === undefined ? {} : { revision }),
    });
  } catch (error) {
    if (error instanceof StoreError && error.code === "compacted") throw expired();
    // A revision of the future: nobody's page ended there, unless the store was put back to an earlier state.
    if (error instanceof RangeError) throw notOurs();
    throw error;
  }
}

const expired = (): OnehopError =>
  new OnehopError({
    code: "page_token_expired",
    status: 410,
    message: "The listing that this page_token continues is too old; the store has forgotten that revision.",
    hint: "Start the listing again without page_token.",
  });

/** A name in a known parent is looked up, not searched for. */
async function byName({ store, noun }: Read, query: QueryValues): Promise<Listed | undefined> {
  const parent = noun.parent ? query[noun.parent.field] : "-";
  if (typeof query.name !== "string" || typeof parent !== "string") return undefined;
  const key = keys.child(parent, noun.plural, query.name);
  const { entries, revision } = await store.range({ prefix: key, limit: 1 });
  const [entry] = entries;
  if (entry?.key !== key) return { items: [], revision };
  const object = await store.get(keys.object(noun.plural, childIdOf(entry.value)));
  return { items: object ? [parse(object)] : [], revision };
}

export function filterOf(noun: Noun, query: QueryValues): (object: Thing) => boolean {
  const fields = filterFields(noun);
  const known = [...fields, "limit", "page_token", "label"];
  for (const name of Object.keys(query))
    if (!known.includes(name))
      throw invalid("", `There is no filter ${JSON.stringify(name.slice(0, 80))}.`, didYouMean(name, known));
  const labels = all(query, "label").map(labelOf);
  const wanted = fields.filter((f) => query[f] !== undefined).map((f) => [f, all(query, f)] as const);
  return (object) =>
    wanted.every(([f, values]) => values.includes(String(object[f] ?? ""))) &&
    labels.every(([k, v]) => object.labels[k] === v);
}

function labelOf(text: string): readonly [string, string] {
  const at = text.indexOf("=");
  if (at < 1) throw invalid("", "The filter label must be key=value.");
  return [text.slice(0, at), text.slice(at + 1)];
}

const all = (query: QueryValues, name: string): readonly string[] => [query[name] ?? []].flat();
const one = (query: QueryValues, name: string): string | undefined => all(query, name)[0];

export function limitOf(text: string | undefined): number {
  if (text === undefined) return PAGE_DEFAULT;
  const limit = /^\d{1,6}$/.test(text) ? Number(text) : 0;
  if (limit < 1 || limit > PAGE_MAX) throw invalid("", `The limit must be a number from 1 to ${PAGE_MAX}.`);
  return limit;
}

const notOurs = (): OnehopError =>
  invalid("", "The page_token is not one that this list gave.", "Start the listing again without page_token.");

interface Place {
  /** First key of the page. */
  readonly from?: string;
  readonly revision?: number;
}

const tokenOf = (from: string, revision: number): string =>
  Buffer.from(JSON.stringify({ from, revision })).toString("base64url");

function placeOf(noun: Noun, token: string | undefined): Place {
  if (token === undefined) return {};
  const { from, revision } = decode(token);
  if (typeof from !== "string" || !from.startsWith(keys.objectsOf(noun.plural))) throw notOurs();
  if (!Number.isSafeInteger(revision) || Number(revision) < 1) throw notOurs();
  return { from, revision: Number(revision) };
}

function decode(token: string): { from?: unknown; revision?: unknown } {
  try {
    return Object(JSON.parse(Buffer.from(token, "base64url").toString("utf8")));
  } catch {
    return {};
  }
}
