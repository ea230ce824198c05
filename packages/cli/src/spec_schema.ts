import { check } from "@onehop/api/check";
import { createSchema, type FieldError, type Noun } from "@onehop/core";
import Type, { type TSchema } from "typebox";
import { refOf } from "./objects.ts";

/**
 * What is wrong with the fields of a spec, by the noun's own schema and in the API's own words, before anything is sent.
 * References may be names and may stand in metadata, so the API judges those.
 */
export function specProblems(noun: Noun, spec: Readonly<Record<string, unknown>>): FieldError[] {
  const properties: Record<string, TSchema> = {};
  for (const [field, schema] of Object.entries(createSchema(noun).properties as Record<string, TSchema>)) {
    const definition = noun.fields[field];
    if (definition) properties[field] = refOf(field, definition) ? Type.Optional(Type.Unknown()) : schema;
  }
  // null takes an optional field away; the API knows which those are.
  const given = Object.fromEntries(Object.entries(spec).filter(([, value]) => value !== null));
  const { errors } = check(Type.Object(properties))(given);
  return errors.filter((e) => !isInnerDefault(e));
}

/** Parts of a field, such as single quotas, have defaults that the API fills in. */
const isInnerDefault = (e: FieldError): boolean => e.detail === "is required" && e.pointer.split("/").length > 2;
