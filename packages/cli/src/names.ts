import { type Kind, type Noun, nounOf } from "@onehop/core";
import type { Api, Thing } from "./api.ts";
import { getThing, listThings, refOf } from "./objects.ts";

/** Up to here names are asked for one by one; beyond it the whole list is cheaper. */
const ONE_BY_ONE = 8;

export type NameOf = (kind: Kind, id: string) => string;

/** Names for the ids that the objects hold; an id that may not be read stands for itself. */
export async function loadNames(
  api: Api,
  noun: Noun,
  fields: readonly string[],
  things: readonly Thing[],
): Promise<NameOf> {
  const names = new Map<string, string>();
  for (const field of fields) {
    const definition = noun.fields[field];
    const kind = definition && refOf(field, definition);
    if (!kind) continue;
    const ids = new Set(things.map((t) => t[field]).filter((v): v is string => typeof v === "string" && !names.has(v)));
    for (const thing of await readable(() => fetchAll(api, nounOf(kind), [...ids]))) names.set(thing.id, thing.name);
  }
  return (_, id) => names.get(id) ?? id;
}

async function fetchAll(api: Api, noun: Noun, ids: readonly string[]): Promise<Thing[]> {
  if (ids.length > ONE_BY_ONE) return listThings(api, noun);
  return Promise.all(ids.map((id) => getThing(api, noun, id)));
}

async function readable(read: () => Promise<Thing[]>): Promise<Thing[]> {
  try {
    return await read();
  } catch {
    return [];
  }
}
