import { readFileSync, writeFileSync } from "node:fs";
import { Ajv2020 } from "ajv/dist/2020.js";
import { expect, test } from "vitest";
import { AJV_FORMATS, openapi, ROUTES } from "../src/index.ts";

const golden = new URL("../openapi.json", import.meta.url);
const document = openapi("0.1.0") as unknown as Document;

interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, object>> };
}
interface Operation {
  readonly operationId: string;
  readonly parameters?: readonly { readonly name: string; readonly in: string; readonly schema: object }[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: object }>> };
  readonly responses: Readonly<Record<string, { readonly description: string }>>;
}

const operations = Object.entries(document.paths).flatMap(([path, item]) =>
  Object.values(item).map((operation) => ({ path, operation })),
);

test("the contract is the one in openapi.json (UPDATE_GOLDEN=1 writes it)", () => {
  const text = `${JSON.stringify(document, null, 1)}\n`;
  if (process.env.UPDATE_GOLDEN === "1") writeFileSync(golden, text);
  expect(text).toBe(readFileSync(golden, "utf8"));
});

test("every operation has an id of its own and declares the parameters of its path", () => {
  expect(operations).toHaveLength(ROUTES.length);
  expect(new Set(operations.map((o) => o.operation.operationId)).size).toBe(ROUTES.length);
  for (const { path, operation } of operations) {
    const named = [...path.matchAll(/\{(\w+)\}/g)].map((m) => m[1]);
    const declared = (operation.parameters ?? []).filter((p) => p.in === "path").map((p) => p.name);
    expect(declared).toEqual(named);
    for (const answer of Object.values(operation.responses)) expect(answer.description).not.toBe("");
  }
});

test("every schema is a JSON Schema of 2020-12 and every reference leads somewhere", () => {
  const ajv = new Ajv2020({ strict: true, allowUnionTypes: true, formats: AJV_FORMATS });
  ajv.addVocabulary(["components"]);
  ajv.addSchema({ $id: "openapi", components: document.components });
  const used = operations.flatMap(({ operation }) => [
    ...(operation.parameters ?? []).map((p) => p.schema),
    ...Object.values(operation.requestBody?.content ?? {}).map((c) => c.schema),
    ...Object.values(operation.responses).flatMap((r) =>
      Object.values((r as { content?: Record<string, { schema: object }> }).content ?? {}).map((c) => c.schema),
    ),
  ]);
  const absolute = (schema: object) =>
    JSON.parse(JSON.stringify(schema).replaceAll("#/components", "openapi#/components"));
  for (const schema of [...used, ...Object.values(document.components.schemas)])
    expect(() => ajv.compile(absolute(schema))).not.toThrow();
});
