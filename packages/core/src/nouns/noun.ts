import Type, { type Static, type TObject, type TSchema } from "typebox";

/**
 * The one description of a noun. API routes, checks, OpenAPI, CLI verbs and reference pages are made from it.
 * To add a noun: one file beside this one, one line in index.ts.
 */
export type Kind = "project" | "vpc" | "network" | "port" | "host" | "route";

/**
 * required: the user gives it. optional: may be missing for good. defaulted: stored with the schema's default when not
 * given. allocated: given by the user or chosen by the system. derived: set by the system only.
 */
export type Mode = "required" | "optional" | "defaulted" | "allocated" | "derived";

export interface Field<S extends TSchema = TSchema, M extends Mode = Mode> {
  readonly schema: S;
  readonly mode: M;
  readonly doc: string;
  /** May a user change it after creation? */
  readonly mutable: boolean;
  /** Names another noun: the value is that object's id (the CLI and files take names too). */
  readonly ref?: Kind;
  /** Only an admin may set it. */
  readonly admin?: true;
}

type Options = { mutable?: true; ref?: Kind; admin?: true };
const make =
  <M extends Mode>(mode: M) =>
  <S extends TSchema>(schema: S, doc: string, options: Options = {}): Field<S, M> => ({
    schema,
    mode,
    doc,
    mutable: options.mutable === true,
    ...(options.ref ? { ref: options.ref } : {}),
    ...(options.admin ? { admin: true as const } : {}),
  });
export const required = make("required");
export const optional = make("optional");
export const defaulted = make("defaulted");
export const allocated = make("allocated");
export const derived = make("derived");

export type Fields = Readonly<Record<string, Field>>;

export interface Noun<F extends Fields = Fields> {
  readonly kind: Kind;
  readonly plural: string;
  readonly doc: string;
  /** global: only admins write it, all may read it. project: belongs to one project; foreign ones are not found. */
  readonly scope: "global" | "project";
  /** The field that names the owner in which names are unique; none: unique in the region. */
  readonly parent?: { readonly kind: Kind; readonly field: string };
  readonly fields: F;
  /** Counted against the project's quota of this name. */
  readonly quota?: string;
  /** A body that creates one; the CLI's help, the docs and the contract tests use it. */
  readonly example: Readonly<Record<string, unknown>>;
  /** Columns of the CLI's table. */
  readonly columns: readonly string[];
}

export const noun = <F extends Fields>(definition: Noun<F>): Noun<F> => definition;

/** What every stored object has besides its noun's fields. */
export interface Meta {
  /** UUID. */
  id: string;
  name: string;
  labels: Record<string, string>;
  /** RFC 3339, UTC. */
  created_at: string;
  updated_at: string;
}

type Present<F extends Fields> = {
  [K in keyof F as F[K]["mode"] extends "optional" ? never : K]: Static<F[K]["schema"]>;
};
type Maybe<F extends Fields> = {
  [K in keyof F as F[K]["mode"] extends "optional" ? K : never]?: Static<F[K]["schema"]>;
};
/** An object of this noun as it stands in the store (revision and status are added when it is read). */
export type Stored<N extends Noun> = Meta & Present<N["fields"]> & Maybe<N["fields"]>;

export const Uuid = Type.String({ format: "uuid", description: "UUID" });
export const Name = Type.String({
  pattern: "^[a-z0-9]([a-z0-9._-]{0,61}[a-z0-9])?$",
  maxLength: 63,
  description: "lower-case letters, digits, dot, dash and underscore; at most 63",
});
export const Labels = Type.Record(
  Type.String({ pattern: "^[a-z0-9]([a-z0-9./_-]{0,61}[a-z0-9])?$" }),
  Type.String({ maxLength: 255 }),
  { maxProperties: 32, additionalProperties: false },
);
export const Ipv4 = Type.String({ format: "ipv4-address", maxLength: 15, description: "dotted quad" });
export const Cidr = Type.String({ format: "ipv4-cidr", maxLength: 18, description: "IPv4 range, host bits zero" });
export const Mac = Type.String({ format: "port-mac", maxLength: 17, description: "six lower-case hex bytes" });
export const Vni = Type.Integer({ minimum: 1, maximum: 0xffffff, description: "VXLAN network identifier (RFC 7348)" });

const withDoc = (f: Field): TSchema => ({ ...f.schema, description: f.doc }) as TSchema;

/** Schema of a create body: unknown fields are errors. */
export function createSchema(n: Noun): TObject {
  const props: Record<string, TSchema> = {
    id: Type.Optional({ ...Uuid, description: "chosen by the client, for retries; else by the system" } as TSchema),
    name: n.kind === "project" || n.kind === "host" ? Name : Type.Optional(Name),
    labels: Type.Optional(Labels),
  };
  for (const [name, f] of Object.entries(n.fields)) {
    if (f.mode === "derived") continue;
    props[name] = f.mode === "required" ? withDoc(f) : Type.Optional(withDoc(f));
  }
  return Type.Object(props, { additionalProperties: false });
}

/** Schema of a merge patch (RFC 7396): mutable fields only; null removes an optional one. */
export function patchSchema(n: Noun): TObject {
  const props: Record<string, TSchema> = { name: Type.Optional(Name), labels: Type.Optional(Labels) };
  for (const [name, f] of Object.entries(n.fields)) {
    if (!f.mutable) continue;
    const schema = withDoc(f);
    props[name] = Type.Optional(f.mode === "optional" ? Type.Union([schema, Type.Null()]) : schema);
  }
  return Type.Object(props, { additionalProperties: false });
}

export const Status = Type.Object({
  state: Type.Union([Type.Literal("pending"), Type.Literal("realised"), Type.Literal("degraded")]),
  reason: Type.Optional(Type.String()),
  observed_revision: Type.Integer(),
});
export type Status = Static<typeof Status>;

/** Schema of an object as it is answered. */
export function objectSchema(n: Noun): TObject {
  const props: Record<string, TSchema> = { id: Uuid, name: Name, labels: Labels };
  for (const [name, f] of Object.entries(n.fields))
    props[name] = f.mode === "optional" ? Type.Optional(withDoc(f)) : withDoc(f);
  props.revision = Type.Integer({ description: "the store's revision of the last change; also the ETag" });
  props.created_at = Type.String({ format: "date-time" });
  props.updated_at = Type.String({ format: "date-time" });
  props.status = Status;
  return Type.Object(props, { $id: n.kind });
}
