import { NOUNS } from "@onehop/core";
import type { TSchema } from "typebox";
import { EVENT_STREAM, NDJSON } from "./media.ts";
import { ROUTES, type Route } from "./routes.ts";
import { bareObjectSchema, Problem, Token } from "./schemas.ts";
import { watchEventSchema } from "./watch.ts";

type Json = Readonly<Record<string, unknown>>;

/** The contract as an OpenAPI 3.1 document, made from the route table. */
export function openapi(version: string): Json {
  const paths: Record<string, Record<string, Json>> = {};
  for (const r of ROUTES) {
    paths[r.path] ??= {};
    paths[r.path]![r.method.toLowerCase()] = operation(r);
  }
  return {
    openapi: "3.1.0",
    info: {
      title: "onehop",
      version,
      description: "Virtual private clouds whose every packet crosses one logical hop.",
      license: { name: "Apache-2.0", identifier: "Apache-2.0" },
    },
    servers: [{ url: "/" }],
    tags: [...new Set(ROUTES.map(tagOf))].map((name) => ({ name, description: descriptionOf(name) })),
    security: [{ bearer: [] }],
    paths,
    components: {
      securitySchemes: { bearer: { type: "http", scheme: "bearer" } },
      schemas: Object.fromEntries([
        ...NOUNS.map((n) => [n.kind, plain({ description: n.doc, ...bareObjectSchema(n) } as TSchema)]),
        ["token", plain(Token)],
        ["problem", plain(Problem)],
      ]),
    },
  };
}

const tagOf = (r: Route): string => (r.path.startsWith("/v1/") ? r.id.split(".")[0]! : "service");
const descriptionOf = (tag: string): string =>
  NOUNS.find((n) => n.plural === tag)?.doc ?? TAGS[tag] ?? "the process itself";
const TAGS: Readonly<Record<string, string>> = {
  tokens: "who may ask",
  trace: "what becomes of a packet",
  drops: "what is dropped, and why",
  top: "who sends how much",
  keys: "what authenticates learning",
  why: "which way packets go",
  learned: "where hosts learned that addresses are",
  capture: "packets of a port",
  join: "how hosts get certificates",
  authorities: "who issues certificates",
  certificates: "what hosts prove themselves with",
  store: "where every object is kept, and whether it may be believed",
};

function operation(r: Route): Json {
  const parameters = [...pathParameters(r), ...queryParameters(r), ...headerParameters(r)];
  return {
    operationId: r.id,
    tags: [tagOf(r)],
    summary: r.summary,
    ...(r.who === "anyone" ? { security: [] } : { "x-onehop-role": r.who }),
    ...(parameters.length > 0 ? { parameters } : {}),
    ...(r.body ? { requestBody: { required: true, content: { [mediaOf(r)]: { schema: plain(r.body) } } } } : {}),
    responses: { ...successes(r), "4XX": problemAnswer, "5XX": problemAnswer },
  };
}

const mediaOf = (r: Route): string => (r.method === "PATCH" ? "application/merge-patch+json" : "application/json");

const problemAnswer = {
  description: "a problem",
  content: { "application/problem+json": { schema: { $ref: "#/components/schemas/problem" } } },
};

function successes(r: Route): Json {
  const media = MEDIA[r.id] ?? "application/json";
  return Object.fromEntries(
    Object.entries(r.answers).map(([status, schema]) => [
      status,
      {
        description: WORDS[status] ?? "done",
        ...(schema ? { content: { [media]: { schema: plain(schema) }, ...streams(r) } } : {}),
      },
    ]),
  );
}

/** A list can be watched. */
function streams(r: Route): Json {
  if (r.verb !== "list" || !r.noun) return {};
  const schema = plain(watchEventSchema(r.noun));
  return { [EVENT_STREAM]: { schema }, [NDJSON]: { schema } };
}
const MEDIA: Readonly<Record<string, string>> = {
  metrics: "text/plain",
  "capture.run": "application/vnd.tcpdump.pcap",
};
const WORDS: Readonly<Record<string, string>> = { 200: "as asked", 201: "created", 204: "gone", 304: "unchanged" };

const pathParameters = (r: Route): Json[] =>
  r.path.includes("{id}") ? [{ name: "id", in: "path", required: true, schema: { type: "string" } }] : [];

const queryParameters = (r: Route): Json[] =>
  Object.entries(r.query ?? {}).map(([name, schema]) => {
    const { description, ...rest } = plain(schema) as { description?: string };
    const repeated = name === "label" ? { type: "array", items: rest } : rest;
    return { name, in: "query", ...(description ? { description } : {}), schema: repeated };
  });

function headerParameters(r: Route): Json[] {
  const header = (name: string, description: string) => ({
    name,
    in: "header",
    description,
    schema: { type: "string" },
  });
  const ifMatch = header("If-Match", "the ETag the change is meant for; 412 where the object has another");
  const key = header("Idempotency-Key", "a retry with the same key and body gets the first answer, for a day");
  if (r.verb === "list" && r.noun)
    return [header("Last-Event-ID", "of a watch: its last event's id, to go on after it")];
  if (r.verb === "get") return [header("If-None-Match", "the ETag already held; 304 where it is still the object's")];
  if (r.verb === "patch" || r.verb === "delete") return [ifMatch, key];
  return r.verb === "create" || r.verb === "bulk" ? [key] : [];
}

/** A schema as plain JSON, with references into the components. */
function plain(schema: TSchema): Json {
  return JSON.parse(JSON.stringify(schema), (key, value) =>
    key === "$ref" && typeof value === "string" && !value.startsWith("#") ? `#/components/schemas/${value}` : value,
  );
}
