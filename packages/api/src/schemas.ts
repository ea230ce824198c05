import { createSchema, type Noun, objectSchema, patchSchema, port } from "@onehop/core";
import Type, { type TObject, type TSchema } from "typebox";

/** Items in one POST /v1/ports:bulk. */
export const BULK_ITEMS = 10_000;
/** Objects in one page of a list: at most, and unless asked otherwise. */
export const PAGE_MAX = 1000;
export const PAGE_DEFAULT = 100;
/** Bytes of a request's body. */
export const BODY_LIMIT = 1 << 20;
export const BULK_BODY_LIMIT = 16 << 20;
/** Longest wait of one GET with `wait_for`. */
export const WAIT_MAX_S = 300;
export const WAIT_DEFAULT_S = 30;

export const Problem = Type.Object(
  {
    type: Type.String({ description: "urn:onehop:error:<code>" }),
    title: Type.String({ description: "the status in words" }),
    status: Type.Integer(),
    detail: Type.String({ description: "a sentence that names the object" }),
    instance: Type.String({ description: "path of the request" }),
    code: Type.String({ description: "stable, snake_case" }),
    errors: Type.Optional(
      Type.Array(Type.Object({ pointer: Type.String({ description: "RFC 6901" }), detail: Type.String() })),
    ),
    hint: Type.Optional(Type.String({ description: "what to do about it" })),
    request_id: Type.String(),
    retry_after: Type.Optional(Type.Integer({ description: "seconds" })),
  },
  { description: "problem details (RFC 9457)" },
);

export const Role = Type.Union([Type.Literal("admin"), Type.Literal("member"), Type.Literal("reader")]);
const uuid = (description: string): TSchema => Type.String({ format: "uuid", description });

const tokenFields = {
  name: Type.String({ minLength: 1, maxLength: 63, pattern: "^[a-z0-9]([a-z0-9._-]{0,61}[a-z0-9])?$" }),
  role: Role,
  project_id: Type.Optional(uuid("the project it is for; admins have none")),
};
export const TokenCreate = Type.Object(tokenFields, { additionalProperties: false });
export const Token = Type.Object({
  id: Type.String({ pattern: "^[0-9a-f]{32}$", description: "the beginning of the secret's SHA-256" }),
  ...tokenFields,
  created_at: Type.String({ format: "date-time" }),
});
export const TokenCreated = Type.Object({
  ...Token.properties,
  secret: Type.String({ description: "answered once, never stored" }),
});

/** Result of one item of a bulk creation, at the item's place. */
export const BulkResult = Type.Object({
  status: Type.Integer({ description: "201 created, 200 it was there already; else see problem" }),
  object: Type.Optional(Type.Ref(port.kind)),
  problem: Type.Optional(Type.Ref("problem")),
});

export const bulkSchema = (n: Noun): TObject =>
  Type.Object(
    { items: Type.Array(createSchema(n), { minItems: 1, maxItems: BULK_ITEMS }) },
    { additionalProperties: false },
  );

export const listSchema = (n: Noun): TObject =>
  Type.Object({
    items: Type.Array(Type.Ref(n.kind)),
    revision: Type.Integer({ description: "the store's revision that all pages of this listing are true at" }),
    next_page_token: Type.Optional(Type.String({ description: "missing on the last page" })),
  });

/** The patch as it travels: null removes a label, or an optional field (RFC 7396). */
export function patchBodySchema(n: Noun): TObject {
  const schema = patchSchema(n);
  const label = Type.Union([Type.String({ maxLength: 255 }), Type.Null()]);
  return Type.Object(
    { ...schema.properties, labels: Type.Optional(Type.Record(Type.String(), label)) },
    { additionalProperties: false },
  );
}

/** The bare object's schema, without the `$id` that would make it the base of references. */
export function bareObjectSchema(n: Noun): TSchema {
  const { $id: _, ...schema } = objectSchema(n) as TObject & { $id?: string };
  return schema as TSchema;
}

/** Names of the fields a list may be filtered by: those that hold one plain value. */
export const filterFields = (n: Noun): string[] => [
  "id",
  "name",
  ...Object.entries(n.fields)
    .filter(([, f]) => isScalar(f.schema))
    .map(([name]) => name),
];

function isScalar(schema: TSchema): boolean {
  const s = schema as { type?: string; anyOf?: readonly { const?: unknown }[] };
  return s.type === "string" || s.type === "integer" || (s.anyOf?.every((v) => v.const !== undefined) ?? false);
}
