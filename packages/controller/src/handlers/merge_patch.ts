type Json = unknown;
type JsonObject = Readonly<Record<string, Json>>;

const isObject = (value: Json): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/**
 * JSON merge patch (RFC 7396), with one addition: where both have a `kind` and they differ, the patch replaces the whole
 * object, since fields of one kind mean nothing in another. Never touches its arguments, nor any prototype.
 */
export function mergePatch(target: Json, patch: Json): Json {
  if (!isObject(patch)) return patch;
  const base = isObject(target) && !otherKind(target, patch) ? target : {};
  const merged = new Map<string, Json>(Object.entries(base));
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) merged.delete(name);
    else merged.set(name, mergePatch(merged.get(name), value));
  }
  return Object.fromEntries(merged);
}

const otherKind = (target: JsonObject, patch: JsonObject): boolean =>
  patch.kind !== undefined && target.kind !== undefined && patch.kind !== target.kind;

/** Whether all that is given is found, with the same value, in an object that may have more. */
export function isPartOf(given: Json, whole: Json): boolean {
  if (Array.isArray(given))
    return Array.isArray(whole) && given.length === whole.length && given.every((v, i) => isPartOf(v, whole[i]));
  if (!isObject(given)) return given === whole;
  return isObject(whole) && Object.entries(given).every(([name, value]) => isPartOf(value, whole[name]));
}
