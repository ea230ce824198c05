import { isDeepStrictEqual } from "node:util";
import { type FieldError, type Noun, nounOf, OnehopError } from "@onehop/core";
import type { Thing } from "./api.ts";
import type { Directory } from "./directory.ts";
import type { ObjectDocument } from "./documents.ts";
import { refOf } from "./objects.ts";

/** A document with its names looked up. */
export interface Resolved {
  /** Id of the direct owner, or undefined where the noun has none. */
  readonly owner: string | undefined;
  /** Fields of a create body, references as ids. */
  readonly body: Readonly<Record<string, unknown>>;
  /** The object that has the document's name already. */
  readonly found: Thing | undefined;
}

/** `project`: owner of VPCs whose metadata names none. */
export async function resolve(directory: Directory, document: ObjectDocument, project?: string): Promise<Resolved> {
  const owner = await ownerOf(directory, document, project);
  const body = await resolvedSpec(directory, document, owner);
  return { owner, body, found: await directory.find(document.noun, document.name, owner) };
}

export const labelsOf = (d: ObjectDocument): { labels?: Readonly<Record<string, string>> } =>
  d.labels ? { labels: d.labels } : {};

/** A merge patch (RFC 7396) of the fields that differ; a difference in a field that is for life is refused. */
export function difference(
  noun: Noun,
  wanted: Readonly<Record<string, unknown>>,
  found: Thing,
): Record<string, unknown> {
  const patch: Record<string, unknown> = {};
  const fixed: FieldError[] = [];
  for (const [field, value] of Object.entries(wanted)) {
    if (holds(found[field] ?? null, value)) continue;
    if (field === "labels" || noun.fields[field]?.mutable) patch[field] = value;
    else fixed.push({ pointer: `/${field}`, detail: `is ${JSON.stringify(found[field])} and cannot be changed` });
  }
  if (fixed.length === 0) return patch;
  throw new OnehopError({
    code: "immutable",
    status: 409,
    message: `${noun.kind} ${found.name} differs in fields that are for life.`,
    errors: fixed,
    hint: `onehop ${noun.kind} delete ${found.id}, then apply again.`,
  });
}

/** Whether `have` has all that `want` says; objects may have more (labels and quotas that the file does not name). */
export function holds(have: unknown, want: unknown): boolean {
  const plain = (v: unknown): v is Record<string, unknown> => typeof v === "object" && v !== null && !Array.isArray(v);
  if (plain(have) && plain(want)) return Object.entries(want).every(([k, v]) => isDeepStrictEqual(have[k], v));
  return isDeepStrictEqual(have, want);
}

/** Id of the direct owner, or undefined where the noun has none. */
export async function ownerOf(directory: Directory, d: ObjectDocument, project?: string): Promise<string | undefined> {
  const { parent } = d.noun;
  if (!parent) return undefined;
  const owners = { ...(project ? { project } : {}), ...d.owners };
  const own = d.spec[parent.field];
  const ref = typeof own === "string" ? own : owners[parent.kind];
  if (ref === undefined)
    throw new OnehopError({
      code: "invalid",
      status: 400,
      message: `metadata.${parent.kind} is missing: the name of its ${parent.kind}`,
    });
  return directory.idOf(nounOf(parent.kind), ref, owners);
}

async function resolvedSpec(directory: Directory, document: ObjectDocument, owner: string | undefined) {
  const { noun } = document;
  const body: Record<string, unknown> = {};
  for (const [field, value] of Object.entries(document.spec)) {
    const kind = refOf(field, noun.fields[field]!);
    body[field] =
      kind && typeof value === "string" ? await directory.idOf(nounOf(kind), value, document.owners) : value;
  }
  if (noun.parent && owner !== undefined) body[noun.parent.field] = owner;
  return body;
}
