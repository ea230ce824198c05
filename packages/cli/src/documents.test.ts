import { readdirSync, readFileSync } from "node:fs";
import { OnehopError } from "@onehop/core";
import { describe, expect, it } from "vitest";
import { parseDocuments } from "./documents.ts";

const problemsOf = (text: string): string[] => {
  try {
    parseDocuments(text);
  } catch (error) {
    if (error instanceof OnehopError) return (error.detail.errors ?? []).map((e) => e.detail);
    throw error;
  }
  return [];
};

const vpc = (spec: string, metadata = "{name: prod, project: shop}"): string =>
  `apiVersion: onehop/v1\nkind: Vpc\nmetadata: ${metadata}\nspec:\n${spec}\n`;

describe("A file of documents", () => {
  it("is read into objects with their owners, labels and fields", () => {
    const [project, network] = parseDocuments(`
apiVersion: onehop/v1
kind: Project
metadata: {name: shop}
---
apiVersion: onehop/v1
kind: network
metadata: {name: front, project: shop, vpc: prod, labels: {tier: web}}
spec: {cidr: 10.0.1.0/24}
`);
    expect(project).toMatchObject({ name: "shop", owners: {}, spec: {} });
    expect(network).toMatchObject({ name: "front", owners: { project: "shop", vpc: "prod" }, labels: { tier: "web" } });
    expect(network?.spec).toEqual({ cidr: "10.0.1.0/24" });
  });

  it("takes a reference by its field's name or without _id", () => {
    const text = (key: string) =>
      `apiVersion: onehop/v1\nkind: Port\nmetadata: {name: a, network: front}\nspec: {${key}: h1}\n`;
    for (const key of ["host", "host_id"]) expect(parseDocuments(text(key))[0]?.spec).toEqual({ host_id: "h1" });
  });

  it("may have empty documents and comments", () => {
    expect(parseDocuments("---\n# nothing\n---\n")).toEqual([]);
  });

  it.each([
    [
      "an unknown field",
      vpc("  cidrs: [10.0.0.0/16]\n  cidr: 10.1.0.0/16"),
      'line 6: unknown field "cidr". Did you mean cidrs?',
    ],
    ["host bits", vpc("  cidrs:\n    - 10.0.0.0/16\n    - 10.1.0.1/16"), "line 7: spec.cidrs.1 has host bits set"],
    ["a missing field", vpc("  {}"), "line 3: spec.cidrs is required"],
    ["a wrong type", vpc("  cidrs: 10.0.0.0/16"), "line 5: spec.cidrs must be"],
    [
      "a missing name",
      vpc("  cidrs: [10.0.0.0/16]", "{project: shop}"),
      "line 3: metadata.name must be a text, not missing",
    ],
    [
      "an owner it cannot have",
      vpc("  cidrs: [10.0.0.0/16]", "{name: a, network: b}"),
      'line 3: unknown field "network"',
    ],
    [
      "a label that is no text",
      vpc("  cidrs: [10.0.0.0/16]", "{name: a, labels: {a: 1}}"),
      "line 3: label a must be a text",
    ],
    [
      "a mistyped kind",
      "apiVersion: onehop/v1\nkind: Netwrok\nmetadata: {name: a}\n",
      'line 2: kind "Netwrok" is not known. Did you mean Network?',
    ],
    [
      "another API's version",
      "apiVersion: v1\nkind: Project\nmetadata: {name: a}\n",
      'line 1: apiVersion must be onehop/v1, not "v1"',
    ],
    ["broken YAML", "apiVersion: onehop/v1\nkind: [Vpc\nmetadata: {name: a}\n", "line 3: "],
    ["a tab", "apiVersion: onehop/v1\n\tkind: Vpc\n", "line 2: "],
    [
      "a key twice",
      "apiVersion: onehop/v1\nkind: Project\nkind: Vpc\nmetadata: {name: a}\n",
      "line 3: Map keys must be unique",
    ],
    ["an alias", "apiVersion: onehop/v1\nkind: Project\nmetadata: {name: &a b, labels: {c: *a}}\n", "line 1: aliases"],
    [
      "a name of 10 MB",
      vpc("  cidrs: [10.0.0.0/16]", `{name: ${"a".repeat(10_000_000)}}`),
      "line 3: metadata.name must NOT",
    ],
    [
      "a name that is none",
      vpc("  cidrs: [10.0.0.0/16]", '{name: "$(reboot)\\0"}'),
      "line 3: metadata.name must be lower-case letters",
    ],
    ["nesting without end", `${"{a: ".repeat(50_000)}${"}".repeat(50_000)}`, "line 1: nested too deeply"],
    ["a list", "- a\n- b\n", "line 1: a document must be"],
  ])("with %s is refused by the line", (_, text, problem) => {
    expect(
      problemsOf(text).some((p) => p.startsWith(problem)),
      problemsOf(text).join("\n"),
    ).toBe(true);
  });

  it("cannot blow up by aliases of aliases", () => {
    const bomb = Array.from({ length: 30 }, (_, i) => `a${i}: &a${i} [${i ? `*a${i - 1}, *a${i - 1}` : "x"}]`).join(
      "\n",
    );
    expect(problemsOf(`${bomb}\n`)[0]).toContain("line 1: aliases");
  });

  it("tells every problem at once", () => {
    const text = `${vpc("  cidrs: [10.0.0.1/16]")}---\n${vpc("  cidrz: []")}`;
    expect(problemsOf(text)).toHaveLength(3);
  });

  it("says on which line a field of the API's body stands", () => {
    const [object] = parseDocuments(vpc("  cidrs:\n    - 10.0.0.0/16\n    - 10.1.0.0/16"));
    expect(object?.lineOf("/cidrs/1")).toBe(7);
    expect(object?.lineOf("/name")).toBe(3);
    expect(object?.lineOf("/project_id")).toBe(3);
    expect(object?.lineOf("")).toBe(3);
  });
});

it("Every example that is shipped can be read.", () => {
  const dir = new URL("../../../examples/", import.meta.url);
  const files = readdirSync(dir).filter((f) => f.endsWith(".yaml"));
  expect(files.length).toBeGreaterThan(0);
  for (const file of files) expect(parseDocuments(readFileSync(new URL(file, dir), "utf8")).length).toBeGreaterThan(0);
});
