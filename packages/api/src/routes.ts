import { createSchema, host, NOUNS, type Noun, port } from "@onehop/core";
import Type, { type TSchema } from "typebox";
import { historyRoutes } from "./history.ts";
import { joinRoutes } from "./join.ts";
import { lookRoutes } from "./look.ts";
import {
  BulkResult,
  bulkSchema,
  filterFields,
  listSchema,
  PAGE_DEFAULT,
  PAGE_MAX,
  patchBodySchema,
  TokenCreate,
  TokenCreated,
  WAIT_DEFAULT_S,
  WAIT_MAX_S,
} from "./schemas.ts";
import { storeRoutes } from "./store.ts";
import { watchQuery } from "./watch.ts";

export type Method = "GET" | "POST" | "PATCH" | "DELETE";
export type Verb =
  | "list"
  | "create"
  | "get"
  | "patch"
  | "delete"
  | "bulk"
  | "history"
  | "rollback"
  | "counters"
  | "datapath";

/** Who may ask. reader: any token; member: a token that may write; admin: an admin token, or root's unix socket. */
export type Who = "anyone" | "reader" | "member" | "admin";

/** One operation of the API. The server, the client, OpenAPI and the contract tests are made from this table. */
export interface Route {
  /** `<plural>.<verb>`, unique: OpenAPI's operationId. */
  readonly id: string;
  readonly method: Method;
  /** Parameters in braces, as OpenAPI writes them. */
  readonly path: string;
  readonly summary: string;
  readonly who: Who;
  readonly noun?: Noun;
  readonly verb?: Verb;
  readonly query?: Readonly<Record<string, TSchema>>;
  readonly body?: TSchema;
  /** By status: the answer's schema, or null where it has no body. */
  readonly answers: Readonly<Record<number, TSchema | null>>;
}

const text = (description: string): TSchema => Type.String({ description });

const listQuery = (n: Noun): Record<string, TSchema> => ({
  limit: Type.Integer({ minimum: 1, maximum: PAGE_MAX, default: PAGE_DEFAULT, description: "objects in a page" }),
  page_token: text("next_page_token of the page before; all pages are of one revision"),
  label: text("key=value; may be repeated, all must hold"),
  ...watchQuery,
  ...Object.fromEntries(filterFields(n).map((f) => [f, text(`only objects with this ${f}`)])),
});

const waitQuery = {
  wait_for: Type.Literal("realised", { description: "answer when the hosts have it, or at the timeout as it is then" }),
  timeout_s: Type.Integer({ minimum: 0, maximum: WAIT_MAX_S, default: WAIT_DEFAULT_S }),
};

function routesOf(n: Noun): Route[] {
  const list = `/v1/${n.plural}`;
  const one = `${list}/{id}`;
  const object = Type.Ref(n.kind);
  const writer: Who = n.scope === "global" ? "admin" : "member";
  const of = (verb: Verb) => ({ id: `${n.plural}.${verb}`, noun: n, verb });
  return [
    {
      ...of("list"),
      method: "GET",
      path: list,
      summary: `List ${n.plural}, or watch them change: ${n.doc}.`,
      who: "reader",
      query: listQuery(n),
      answers: { 200: listSchema(n) },
    },
    {
      ...of("create"),
      method: "POST",
      path: list,
      summary: `Create a ${n.kind}; answered with 200 where a retry finds it made.`,
      who: writer,
      body: createSchema(n),
      answers: { 201: object, 200: object },
    },
    {
      ...of("get"),
      method: "GET",
      path: one,
      summary: `Show a ${n.kind}, or wait until the hosts have it.`,
      who: "reader",
      query: waitQuery,
      answers: { 200: object, 304: null },
    },
    {
      ...of("patch"),
      method: "PATCH",
      path: one,
      summary: `Change a ${n.kind} by a merge patch (RFC 7396); a tagged object is replaced when its kind changes.`,
      who: writer,
      body: patchBodySchema(n),
      answers: { 200: object },
    },
    {
      ...of("delete"),
      method: "DELETE",
      path: one,
      summary: `Delete a ${n.kind}.`,
      who: writer,
      answers: { 204: null },
    },
  ];
}

const portRoutes: Route[] = [
  {
    id: "ports.bulk",
    method: "POST",
    path: "/v1/ports:bulk",
    noun: port,
    verb: "bulk",
    summary:
      "Create many ports. All are checked before any is stored; they are stored in groups, so that each has its own result.",
    who: "member",
    body: bulkSchema(port),
    answers: { 200: Type.Object({ results: Type.Array(BulkResult) }) },
  },
  {
    id: "ports.counters",
    method: "GET",
    path: "/v1/ports/{id}/counters",
    noun: port,
    verb: "counters",
    summary: "Packets, bytes and drops by reason of a bound port, as its host counts them now.",
    who: "reader",
    answers: { 200: Type.Unknown() },
  },
  {
    id: "hosts.datapath",
    method: "GET",
    path: "/v1/hosts/{id}/datapath",
    noun: host,
    verb: "datapath",
    summary: "Table sizes, drops and link states of a host, as they are now.",
    who: "admin",
    answers: { 200: Type.Unknown() },
  },
];

const tokenRoutes: Route[] = [
  {
    id: "tokens.list",
    method: "GET",
    path: "/v1/tokens",
    summary: "List the tokens, without their secrets.",
    who: "admin",
    answers: { 200: Type.Object({ items: Type.Array(Type.Ref("token")) }) },
  },
  {
    id: "tokens.create",
    method: "POST",
    path: "/v1/tokens",
    summary: "Make a bearer token; its secret is in the answer and nowhere else.",
    who: "admin",
    body: TokenCreate,
    answers: { 201: TokenCreated },
  },
  {
    id: "tokens.delete",
    method: "DELETE",
    path: "/v1/tokens/{id}",
    summary: "Revoke a token at once.",
    who: "admin",
    answers: { 204: null },
  },
];

const serviceRoutes: Route[] = (
  [
    ["healthz", "/healthz", "The process is alive."],
    ["readyz", "/readyz", "The store answers and the view of it is loaded."],
    ["version", "/version", "What is running."],
    ["openapi", "/openapi.json", "This document."],
    ["metrics", "/metrics", "Counters in Prometheus' text format."],
  ] as const
).map(([id, path, summary]) => ({ id, method: "GET", path, summary, who: "anyone", answers: { 200: Type.Unknown() } }));

export const ROUTES: readonly Route[] = [
  ...NOUNS.flatMap(routesOf),
  ...historyRoutes,
  ...portRoutes,
  ...lookRoutes,
  ...tokenRoutes,
  ...joinRoutes,
  ...storeRoutes,
  ...serviceRoutes,
];

/** Methods that a path knows, or undefined where the path is unknown. */
export function methodsOf(path: string): Method[] | undefined {
  const found = ROUTES.filter((r) => pattern(r).test(path)).map((r) => r.method);
  return found.length > 0 ? found : undefined;
}

const patterns = new Map<string, RegExp>();
function pattern(r: Route): RegExp {
  let p = patterns.get(r.path);
  if (!p) {
    p = new RegExp(`^${r.path.replaceAll(".", "\\.").replace("{id}", "[^/]+")}$`);
    patterns.set(r.path, p);
  }
  return p;
}
