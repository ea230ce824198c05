import {
  type At,
  type Fields,
  type Kind,
  Labels,
  Name,
  type Noun,
  parseCidr4,
  parseIpv4,
  portMacProblem,
  type Stored,
  Uuid,
} from "@onehop/core";
import Type, { type TSchema } from "typebox";
import { Compile } from "typebox/compile";
import Format from "typebox/format";
import type { Entry } from "./store.ts";

/** A stored value that is not what its key says: kept aside with a sentence, so that the good ones go on. */
export class Broken {
  readonly kind: Kind;
  /** Last part of the key. */
  readonly id: string;
  readonly revision: number;
  /** What is wrong, as a sentence. */
  readonly reason: string;
  constructor(kind: Kind, entry: Entry, reason: string) {
    this.kind = kind;
    this.id = idOf(entry.key);
    this.revision = entry.mod_revision;
    this.reason = reason;
  }
}

/** The object of an entry, with the revision of its last change; Broken where the value does not fit the noun. */
export function parseObject<N extends Noun>(noun: N, entry: Entry): At<Stored<N>> | Broken {
  const value = parseJson(entry.value);
  const broken = (reason: string) => new Broken(noun.kind, entry, `The stored ${noun.kind} ${reason}.`);
  if (value === undefined) return broken("is not valid JSON");
  const validator = validatorOf(noun);
  if (!validator.Check(value)) {
    const [first] = validator.Errors(value);
    return broken(`does not fit its description: ${first?.instancePath || "/"} ${first?.message ?? "is wrong"}`);
  }
  const object = withDefaults(noun, value as Stored<N>);
  if (object.id !== idOf(entry.key)) return broken(`has the id ${object.id}, which is not that of its key`);
  return { ...object, revision: entry.mod_revision };
}

/** What an earlier version stored lacks the fields that came since: they have their default. */
export function withDefaults<T extends object>(noun: Noun, object: T): T {
  const missing = Object.entries(noun.fields).filter(([name, f]) => f.mode === "defaulted" && !(name in object));
  if (missing.length === 0) return object;
  const defaults = missing.map(([name, f]) => [name, (f.schema as { readonly default?: unknown }).default] as const);
  return { ...object, ...Object.fromEntries(defaults) };
}

const idOf = (key: string): string => key.slice(key.lastIndexOf("/") + 1);

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

Format.Set("ipv4-address", (text) => parseIpv4(text) !== undefined);
Format.Set("ipv4-cidr", (text) => typeof parseCidr4(text) !== "string");
Format.Set("port-mac", (text) => portMacProblem(text) === undefined);

const validators = new Map<Kind, ReturnType<typeof Compile>>();

function validatorOf(noun: Noun): ReturnType<typeof Compile> {
  let validator = validators.get(noun.kind);
  if (!validator) {
    validator = Compile(storedSchema(noun.fields));
    validators.set(noun.kind, validator);
  }
  return validator;
}

/** Unknown fields are let through: a newer version may have written them. */
function storedSchema(fields: Fields): TSchema {
  const props: Record<string, TSchema> = {
    id: Uuid,
    name: Name,
    labels: Labels,
    created_at: Type.String({ format: "date-time" }),
    updated_at: Type.String({ format: "date-time" }),
  };
  for (const [name, f] of Object.entries(fields))
    props[name] = f.mode === "optional" || f.mode === "defaulted" ? Type.Optional(f.schema) : f.schema;
  return Type.Object(props);
}
