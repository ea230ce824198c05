import type { Field, Noun } from "@onehop/core";
import { nounOf } from "@onehop/core";
import { type Command, Option } from "commander";
import type { Api } from "./api.ts";
import { collect } from "./collect.ts";
import { findId, refOf, type Scope } from "./objects.ts";
import { isList, parseTexts, placeholder } from "./schema_text.ts";

/** A noun's field as a flag: `vpc_id` is --vpc, `allowed_addresses` is --allowed-addresses. */
export interface FieldFlag {
  readonly field: string;
  readonly definition: Field;
  /** Without dashes. */
  readonly flag: string;
}

export const flagOf = (field: string, definition: Field): FieldFlag => {
  const word = refOf(field, definition) ? field.replace(/_id$/, "") : field;
  return { field, definition, flag: word.replaceAll("_", "-") };
};

export const createFlags = (noun: Noun): FieldFlag[] =>
  Object.entries(noun.fields)
    .filter(([, f]) => f.mode !== "derived")
    .map(([name, f]) => flagOf(name, f));

export const updateFlags = (noun: Noun): FieldFlag[] =>
  Object.entries(noun.fields)
    .filter(([, f]) => f.mutable)
    .map(([name, f]) => flagOf(name, f));

/** Owners and other references by which lists are filtered and names narrowed. */
export const scopeFlags = (noun: Noun): FieldFlag[] =>
  Object.entries(noun.fields)
    .filter(([name, f]) => refOf(name, f) !== undefined)
    .map(([name, f]) => flagOf(name, f));

export function addFieldOption(command: Command, { field, definition, flag }: FieldFlag): void {
  const kind = refOf(field, definition);
  const required = definition.mode === "required" ? " (required)" : "";
  const value = kind ? kind : placeholder(definition.schema);
  const text = `${definition.doc}${required}${definition.admin ? " (admins only)" : ""}`;
  command.addOption(new Option(`--${flag} <${value}>`, text).argParser(collect).helpGroup("Fields:"));
  if (!isList(definition.schema)) return;
  const one = flag.endsWith("sses") ? flag.slice(0, -2) : flag.replace(/s$/, "");
  command.addOption(new Option(`--${one} <${value}>`, text).argParser(collect).hideHelp());
}

/** `filter`: leaves the others out. `owner`: says which one is meant where several owners have the name. */
export function addScopeOption(command: Command, { field, flag }: FieldFlag, use: "filter" | "owner"): void {
  const kind = field.replace(/_id$/, "");
  const text = use === "filter" ? `only those of this ${kind}` : `${kind} to look in, where names repeat`;
  command.addOption(new Option(`--${flag} <${flag}>`, text));
}

type Options = Readonly<Record<string, unknown>>;
const camel = (flag: string): string => flag.replace(/-(.)/g, (_, c: string) => c.toUpperCase());

/** What was typed for a field: its own flag and the singular of a list's together. */
function textsOf(options: Options, { definition, flag }: FieldFlag): string[] {
  const one = flag.endsWith("sses") ? flag.slice(0, -2) : flag.replace(/s$/, "");
  const flags = isList(definition.schema) ? [flag, one] : [flag];
  return flags.flatMap((f) => (options[camel(f)] as string[] | undefined) ?? []);
}

/** Body made of the flags given; names of other objects become their ids. */
export async function bodyOf(api: Api, flags: readonly FieldFlag[], options: Options, scope: Scope) {
  const body: Record<string, unknown> = {};
  for (const flag of flags) {
    const texts = textsOf(options, flag);
    if (texts.length === 0) continue;
    const kind = refOf(flag.field, flag.definition);
    body[flag.field] = kind
      ? await findId(api, nounOf(kind), texts[texts.length - 1]!, scope)
      : parseTexts(`--${flag.flag}`, flag.definition.schema, texts);
  }
  return body;
}

/** The owners named by flags, over those of the environment. */
export function scopeOf(noun: Noun, options: Options, base: Scope): Scope {
  const scope: Record<string, string> = { ...base };
  for (const flag of scopeFlags(noun)) {
    const kind = refOf(flag.field, flag.definition)!;
    const given = options[camel(flag.flag)];
    const text = Array.isArray(given) ? given[given.length - 1] : given;
    if (typeof text === "string") scope[kind] = text;
  }
  return scope;
}
