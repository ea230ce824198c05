import { type At, invalid, type Kind, nounOf, OnehopError, type Project } from "@onehop/core";
import { type Entry, keys } from "@onehop/store";
import { sees } from "../auth/caller.ts";
import type { Draft } from "./draft.ts";
import type { Context, ObjectOf } from "./handler.ts";
import type { Thing } from "./index.ts";
import { parse } from "./parse.ts";

/** The object that a field names; 400 with the field where it is not there, or not the caller's. */
export async function referred<K extends Kind>(draft: Draft, kind: K, at: Reference, context: Context) {
  const entry = await draft.read(keys.object(nounOf(kind).plural, at.id));
  const object = entry && (parsedOnce(entry) as unknown as At<ObjectOf[K]>);
  if (!object || !mayRefer(kind, object, context)) throw unknown(kind, at);
  return object;
}

/** Many objects of one request name the same parent. */
const parsed = new WeakMap<Entry, At<Thing>>();
function parsedOnce(entry: Entry): At<Thing> {
  const object = parsed.get(entry) ?? parse(entry);
  parsed.set(entry, object);
  return object;
}

export interface Reference {
  readonly id: string;
  /** JSON pointer of the field. */
  readonly pointer: string;
}

function mayRefer(kind: Kind, object: ObjectOf[Kind], { caller }: Context): boolean {
  if (kind === "project") return sees(caller, object.id);
  return "project_id" in object ? sees(caller, object.project_id) : true;
}

function unknown(kind: Kind, { id, pointer }: Reference): OnehopError {
  const detail = `There is no ${kind} ${id}.`;
  return new OnehopError({
    ...invalid(pointer, detail).detail,
    code: "unknown_reference",
    message: detail,
    hint: `onehop ${kind} list shows those you may use.`,
  });
}

/** Counts an object against its project's quota; 409 where that is used up. */
export async function charge(draft: Draft, project: Project, quota: keyof Project["quotas"]): Promise<void> {
  const limit = project.quotas[quota];
  const used = await draft.bump(keys.quota(project.id, quota), 1);
  if (used <= limit) return;
  throw new OnehopError({
    code: "quota_exceeded",
    status: 409,
    message: `Project ${project.name} may have ${limit} ${quota} and has ${used - 1}.`,
    hint: `Delete some, or have the quota raised: onehop project update ${project.name} --quotas ${quota}=…`,
    fields: { quota, limit, used: used - 1 },
  });
}
