import { type At, conflict, NOUNS, type Noun, type OnehopError } from "@onehop/core";
import { type Entry, keys, type Store } from "@onehop/store";
import { noteOf } from "../history/record.ts";
import { childIdOf, Draft } from "./draft.ts";
import type { Context } from "./handler.ts";
import { handlerOf, type Thing } from "./index.ts";
import { parse } from "./parse.ts";
import type { Snapshot } from "./snapshot.ts";

/** The parent of objects that have none: the region. */
const REGION = "-";
/** Users of an object that a refusal names. */
const NAMED = 10;

const parentOf = (noun: Noun, object: Thing): string => (noun.parent ? String(object[noun.parent.field]) : REGION);

const nameKey = (noun: Noun, object: Thing): string => keys.child(parentOf(noun, object), noun.plural, object.name);

/** What its parent knows of it: its id, and what siblings compare. */
function childOf(noun: Noun, object: Thing): string {
  const sibling = handlerOf(noun.kind).sibling?.(object);
  return sibling === undefined ? object.id : `${object.id} ${sibling}`;
}

/** Plans the creation of an object from a body that fits the schema and has its id, name and times. */
export async function planCreate(snapshot: Snapshot, noun: Noun, given: Thing, context: Context): Promise<Planned> {
  const draft = new Draft(snapshot);
  draft.creates = keys.object(noun.plural, given.id);
  const taken = { code: "id_taken", pointer: "/id", what: `The id ${given.id}` };
  if (snapshot.planned(draft.creates) !== undefined) draft.claim({ key: draft.creates, refusal: taken });
  const object = await handlerOf(noun.kind).create(draft, given, context);
  claimName(draft, noun, object);
  draft.claim({ key: draft.creates, value: JSON.stringify(object) });
  draft.note = noteOf(noun, { after: object }, context);
  return { draft, object };
}

export interface Planned {
  readonly draft: Draft;
  readonly object: Thing;
}

/** Plans a change; `after` fits the schema. */
export async function planChange(
  snapshot: Snapshot,
  noun: Noun,
  change: { before: At<Thing>; after: Thing },
  context: Context,
): Promise<Planned> {
  const draft = new Draft(snapshot);
  const key = keys.object(noun.plural, change.after.id);
  await draft.read(key);
  const handler = handlerOf(noun.kind);
  const object = handler.change ? await handler.change(draft, change, context) : change.after;
  if (object.name !== change.before.name) {
    draft.delete(nameKey(noun, change.before));
    claimName(draft, noun, object);
  } else if (childOf(noun, object) !== childOf(noun, change.before))
    draft.put(nameKey(noun, object), childOf(noun, object));
  draft.put(key, JSON.stringify(object));
  draft.note = noteOf(noun, { before: change.before, after: object }, context);
  return { draft, object };
}

/** Plans a deletion, refused while anything uses the object. */
export async function planRemove(snapshot: Snapshot, noun: Noun, object: At<Thing>, context: Context): Promise<Draft> {
  const draft = new Draft(snapshot);
  const key = keys.object(noun.plural, object.id);
  await draft.read(key);
  await handlerOf(noun.kind).remove?.(draft, object, context);
  draft.delete(key);
  draft.delete(nameKey(noun, object));
  draft.note = noteOf(noun, { before: object }, context);
  draft.unused.push({
    prefix: keys.childrenOf(object.id),
    refuse: (children) => inUse(snapshot.store, { noun, object }, children),
  });
  return draft;
}

function claimName(draft: Draft, noun: Noun, object: Thing): void {
  const where = noun.parent ? ` in its ${noun.parent.kind}` : "";
  draft.claim({
    key: nameKey(noun, object),
    value: childOf(noun, object),
    refusal: {
      code: "name_taken",
      pointer: "/name",
      what: `The name ${object.name}`,
      hint: `Names of ${noun.plural} are unique${where}.`,
    },
  });
}

async function inUse(
  store: Store,
  { noun, object }: { noun: Noun; object: Thing },
  children: readonly Entry[],
): Promise<OnehopError> {
  const prefix = keys.childrenOf(object.id);
  const used_by = await Promise.all(
    children.slice(0, NAMED).map(async ({ key, value }) => {
      const [plural] = key.slice(prefix.length).split("/") as [string];
      const id = childIdOf(value);
      const kind = NOUNS.find((n) => n.plural === plural)?.kind ?? plural.replace(/s$/, "");
      const entry = await store.get(keys.object(plural, id));
      return { kind, id, ...(entry ? { name: parse(entry).name } : {}) };
    }),
  );
  const more = children.length > NAMED ? ", …" : "";
  const list = used_by.map((u) => `${u.kind} ${u.name ?? u.id}`).join(", ");
  return conflict("in_use", `The ${noun.kind} ${object.name} is used by ${list}${more}.`, {
    hint: "Delete or change those first.",
    fields: { used_by },
  });
}
