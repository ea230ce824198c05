import type { FieldError } from "@onehop/core";
import { Ajv, type ErrorObject, type ValidateFunction } from "ajv";
import type { TSchema } from "typebox";
import { AJV_FORMATS, formatProblem } from "./formats.ts";

/** Problems told of one body; more do not help anybody. */
const MAX_PROBLEMS = 100;

export interface Checked {
  readonly errors: readonly FieldError[];
  /** For a field that nobody knows: the name that was probably meant. */
  readonly hint?: string;
}

/** Checks values against one schema and tells every problem with a JSON pointer (RFC 6901). */
export type Check = (value: unknown) => Checked;

const options = { allErrors: true, verbose: true, strict: true, allowUnionTypes: true, formats: AJV_FORMATS } as const;

/** Fills in what is missing and has a default, in the value itself. */
const filling = new Ajv({ ...options, useDefaults: true });
const plain = new Ajv(options);

export const checkAndFill = (schema: TSchema): Check => checker(filling, schema);
export const check = (schema: TSchema): Check => checker(plain, schema);

/** Compiled at first use: a program that checks nothing pays nothing. */
function checker(ajv: Ajv, schema: TSchema): Check {
  let compiled: ValidateFunction | undefined;
  return (value) => {
    compiled ??= ajv.compile(schema);
    return compiled(value) ? { errors: [] } : explain(compiled.errors ?? []);
  };
}

function explain(raw: readonly ErrorObject[]): Checked {
  const errors: FieldError[] = [];
  let hint: string | undefined;
  for (const e of withoutOtherBranches(raw).slice(0, MAX_PROBLEMS)) {
    errors.push({ pointer: pointerOf(e), detail: sentenceOf(e) });
    hint ??= hintOf(e);
  }
  return hint ? { errors, hint } : { errors };
}

const escaped = (name: string): string => name.slice(0, 80).replaceAll("~", "~0").replaceAll("/", "~1");

function pointerOf(e: ErrorObject): string {
  if (e.keyword === "required") return `${e.instancePath}/${escaped(String(e.params.missingProperty))}`;
  if (e.keyword === "additionalProperties") return `${e.instancePath}/${escaped(String(e.params.additionalProperty))}`;
  return e.instancePath;
}

function sentenceOf(e: ErrorObject): string {
  switch (e.keyword) {
    case "required":
      return "is required";
    case "additionalProperties":
      return e.instancePath.endsWith("/labels")
        ? "is not a label's name: lower-case letters, digits, dot, slash, dash and underscore; at most 63"
        : "is not a field that is known here";
    case "format":
      return formatProblem(String(e.params.format), String(e.data)) ?? `must be a ${e.params.format}`;
    case "pattern":
      return description(e) ?? `must match ${e.params.pattern}`;
    case "type":
      return `must be ${article(String(e.params.type))}`;
    case "const":
      return `must be ${JSON.stringify(e.params.allowedValue)}`;
    case "anyOf":
      return oneOf(e);
    default:
      return e.message ?? "is not valid";
  }
}

const description = (e: ErrorObject): string | undefined => {
  const text = (e.parentSchema as { description?: string } | undefined)?.description;
  return text && e.schemaPath.includes("name") ? `must be ${text}` : undefined;
};

const article = (type: string): string => (/^[aio]/.test(type) ? `an ${type}` : `a ${type}`);

function oneOf(e: ErrorObject): string {
  const literals = (e.schema as readonly { const?: unknown }[]).map((s) => s.const);
  return literals.every((v) => v !== undefined)
    ? `must be one of ${literals.map((v) => JSON.stringify(v)).join(", ")}`
    : "has none of the allowed shapes";
}

/**
 * A union fails with the errors of every branch. Kept are those of the branches whose literals (`kind`) the value has;
 * where it has none's, one error that lists the literals. Unions within unions are judged first.
 */
function withoutOtherBranches(raw: readonly ErrorObject[]): ErrorObject[] {
  const unions = raw.filter((e) => e.keyword === "anyOf").sort((a, b) => b.schemaPath.length - a.schemaPath.length);
  const kept = new Set(raw);
  for (const union of unions) {
    const branches = branchErrors(union, [...kept]);
    const meant = branches.filter((errors) => errors.length > 0 && !errors.some(isForeign(union)));
    for (const errors of branches) if (!meant.includes(errors)) for (const e of errors) kept.delete(e);
    if (meant.length > 0) kept.delete(union);
  }
  return [...kept];
}

function branchErrors(union: ErrorObject, raw: readonly ErrorObject[]): ErrorObject[][] {
  const count = (union.schema as readonly unknown[]).length;
  return Array.from({ length: count }, (_, i) =>
    raw.filter(
      (e) => e.schemaPath.startsWith(`${union.schemaPath}/${i}/`) && e.instancePath.startsWith(union.instancePath),
    ),
  );
}

/** The value is of another branch: another literal, no literal, or another type altogether. */
const isForeign =
  (union: ErrorObject) =>
  (e: ErrorObject): boolean =>
    e.keyword === "const" ||
    (e.keyword === "required" && e.params.missingProperty === "kind" && e.instancePath === union.instancePath) ||
    (e.keyword === "type" && e.instancePath === union.instancePath);

function hintOf(e: ErrorObject): string | undefined {
  if (e.keyword !== "additionalProperties") return undefined;
  const known = Object.keys((e.parentSchema as { properties?: object } | undefined)?.properties ?? {});
  return didYouMean(String(e.params.additionalProperty), known);
}

/** A question with the nearest known name, or undefined where none is near. */
export function didYouMean(given: string, known: readonly string[]): string | undefined {
  const near = nearest(given.slice(0, 80), known);
  return near ? `Did you mean ${near}?` : undefined;
}

function nearest(given: string, known: readonly string[]): string | undefined {
  let best: string | undefined;
  let least = Math.max(2, Math.floor(given.length / 3)) + 1;
  for (const name of known) {
    const d = distance(given, name);
    if (d < least) [best, least] = [name, d];
  }
  return best;
}

/** Letters to insert, delete or replace (Levenshtein). */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, row[j]! + 1, next[j - 1]! + 1));
    }
    row = next;
  }
  return row[b.length]!;
}
