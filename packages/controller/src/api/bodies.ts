import { check, checkAndFill } from "@onehop/api";
import { type At, createSchema, invalid, type Noun, OnehopError, patchSchema } from "@onehop/core";
import type { Context } from "../handlers/handler.ts";
import type { Thing } from "../handlers/index.ts";
import { mergePatch } from "../handlers/merge_patch.ts";
import { refuseBody } from "./refusals.ts";

const creators = new Map<Noun, ReturnType<typeof checkAndFill>>();
const patchers = new Map<Noun, ReturnType<typeof check>>();
const cached = <T>(map: Map<Noun, T>, noun: Noun, make: () => T): T => {
  const found = map.get(noun) ?? make();
  map.set(noun, found);
  return found;
};

/** A checked body with defaults, id, name and times. */
export function newObject(noun: Noun, body: unknown, context: Context): Thing {
  const given = withProject(noun, structuredClone(body), context);
  // Without the defaults, which nobody asked for.
  const asked = { ...given };
  refuseBody(cached(creators, noun, () => checkAndFill(createSchema(noun)))(given));
  refuseForbidden(noun, asked, context);
  return stamp(noun, given, context);
}

/** A token's own project is meant where none is named. */
function withProject(noun: Noun, body: unknown, { caller }: Context): Record<string, unknown> {
  const given = body as Record<string, unknown>;
  const missing = typeof body === "object" && body !== null && noun.fields.project_id?.mode === "required";
  if (missing && caller.project_id) given.project_id ??= caller.project_id;
  return given;
}

/** Adds what every object has besides its noun's fields. */
export function stamp(noun: Noun, given: Readonly<Record<string, unknown>>, { random, now }: Context): Thing {
  const id = (given.id as string | undefined) ?? uuid(random(16));
  const name = (given.name as string | undefined) ?? `${noun.kind}-${id}`;
  const labels = (given.labels as Record<string, string> | undefined) ?? {};
  const time = now();
  return { id, name, labels, ...given, created_at: time, updated_at: time };
}

/** Version 4 (RFC 9562). */
function uuid(bytes: Uint8Array): string {
  const b = Buffer.from(bytes);
  b[6] = (b[6]! & 0x0f) | 0x40;
  b[8] = (b[8]! & 0x3f) | 0x80;
  return b.toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

/** 403 for fields that only admins may set. */
export function refuseForbidden(noun: Noun, given: Readonly<Record<string, unknown>>, { caller }: Context): void {
  if (caller.role === "admin") return;
  const errors = Object.keys(given)
    .filter((name) => noun.fields[name]?.admin)
    .map((name) => ({ pointer: `/${name}`, detail: "may only be set by an admin" }));
  if (errors.length === 0) return;
  throw new OnehopError({
    code: "field_forbidden",
    status: 403,
    message: `${errors[0]!.pointer} may only be set by an admin.`,
    errors,
  });
}

/** What can be said of a patch without the object: its shape, and fields that may not be changed. */
export function checkPatch(noun: Noun, patch: unknown, context: Context): void {
  if (typeof patch !== "object" || patch === null || Array.isArray(patch))
    throw invalid("", "The body must be an object: a JSON merge patch (RFC 7396).");
  refuseForbidden(noun, patch as Record<string, unknown>, context);
}

/** The object with the patch applied, checked. */
export function patched(noun: Noun, before: At<Thing>, patch: unknown): Thing {
  const { revision: _, ...target } = before;
  const merged = mergePatch(target, patch) as Thing;
  const names = Object.keys(patch as object);
  const touched = Object.fromEntries(names.filter((n) => merged[n] !== undefined).map((n) => [n, merged[n]]));
  const { errors, hint } = cached(patchers, noun, () => check(patchSchema(noun)))(touched);
  const removed = names.filter((n) => merged[n] === undefined && noun.fields[n]?.mode !== "optional");
  refuseBody({
    errors: [
      ...errors.map((e) => (isKnown(noun, e.pointer) ? { ...e, detail: "cannot be changed after creation" } : e)),
      ...removed.map((n) => ({
        pointer: `/${n}`,
        detail: n in target ? "cannot be removed" : "is not a field that is known here",
      })),
    ],
    ...(hint ? { hint } : {}),
  });
  return merged;
}

/** A field that exists but is not part of the patch schema. */
function isKnown(noun: Noun, pointer: string): boolean {
  const name = pointer.slice(1);
  const field = noun.fields[name];
  return (field && !field.mutable) || ["id", "created_at", "updated_at", "revision", "status"].includes(name);
}
