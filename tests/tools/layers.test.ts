import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const PACKAGES = fileURLToPath(new URL("../../packages/", import.meta.url));

/** Which packages a package's sources may import: the table behind "Who imports whom" in ARCHITECTURE.md. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  core: [],
  model: ["core"],
  store: ["core"],
  api: ["core"],
  datapath: ["core"],
  pki: [],
  controller: ["api", "core", "pki", "store"],
  agent: ["core", "datapath", "pki"],
  cli: ["agent", "api", "controller", "core", "datapath", "lab", "pki", "store"],
  lab: ["api", "cli", "core", "store"],
};

const folders = (path: string): string[] =>
  readdirSync(path, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? [entry.name] : []));

const isTest = (path: string): boolean => /\.test\.ts$/.test(path);

function sourcesOf(name: string): { readonly path: string; readonly text: string }[] {
  const dir = join(PACKAGES, name, "src");
  const paths = readdirSync(dir, { recursive: true, encoding: "utf8" }).filter((p) => p.endsWith(".ts") && !isTest(p));
  return paths.map((path) => ({ path, text: readFileSync(join(dir, path), "utf8") }));
}

/** Modules that a source names, in import and export statements and in import(). */
const modulesIn = (text: string): string[] =>
  [...text.matchAll(/^(?:import|export)\b[^";]*?\bfrom "([^"]+)"|^import "([^"]+)"|\bimport\("([^"]+)"\)/gm)].map(
    (m) => (m[1] ?? m[2] ?? m[3])!,
  );

/** Files of a package that import a module of this pattern. */
const importers = (name: string, pattern: RegExp): string[] =>
  sourcesOf(name)
    .filter(({ text }) => modulesIn(text).some((m) => pattern.test(m)))
    .map(({ path }) => path);

/** What a package says it needs: an onehop package by its first name, another by its own. */
function declaredBy(name: string): string[] {
  const { dependencies = {} } = JSON.parse(readFileSync(join(PACKAGES, name, "package.json"), "utf8")) as {
    dependencies?: Record<string, string>;
  };
  return Object.keys(dependencies).sort();
}

/** `@scope/name/file` → `@scope/name`; files of its own and Node's modules are no packages. */
const packageOf = (module: string): string[] =>
  /^(?:\.|node:)/.test(module) ? [] : [module.split("/", module.startsWith("@") ? 2 : 1).join("/")];

describe("Packages", () => {
  it("are all in the table, but for the tests' own.", () => {
    expect(folders(PACKAGES).sort()).toEqual([...Object.keys(MAY_IMPORT), "testkit"].sort());
  });

  it.each([...Object.keys(MAY_IMPORT), "testkit"])(
    "%s names what it imports as its dependencies, and nothing else.",
    (name) => {
      const imported = new Set(
        sourcesOf(name)
          .flatMap(({ text }) => modulesIn(text))
          .flatMap(packageOf),
      );
      imported.delete(`@onehop/${name}`);
      expect([...imported].sort()).toEqual(declaredBy(name));
    },
  );

  it.each(Object.keys(MAY_IMPORT))("%s imports only what is below it.", (name) => {
    const found = sourcesOf(name).flatMap(({ text }) => modulesIn(text));
    const packages = found.map((m) => /^@onehop\/([a-z]+)/.exec(m)?.[1]).filter((p) => p !== undefined && p !== name);
    expect([...new Set(packages)].filter((p) => !MAY_IMPORT[name]!.includes(p!))).toEqual([]);
  });

  it("core touches nothing outside itself, so that browsers can use it.", () => {
    expect(importers("core", /^node:/)).toEqual([]);
  });

  it("model reads nothing of the machine.", () => {
    expect(importers("model", /^node:/)).toEqual([]);
  });
});

describe("The kernel", () => {
  it("is reached through the foreign-function interface in one file only.", () => {
    for (const name of Object.keys(MAY_IMPORT))
      expect(importers(name, /^koffi$/)).toEqual(name === "datapath" ? ["sys.ts"] : []);
  });

  it("is touched by the agent in its kernel folder only.", () => {
    const outside = importers(
      "agent",
      /^node:child_process$|^@onehop\/datapath$|^@onehop\/datapath\/(?!(?:maps\.gen|layout)$)/,
    );
    expect(outside.filter((path) => !path.startsWith("kernel/"))).toEqual([]);
  });

  it("is not seen by lowering, which is a pure function but for the hash.", () => {
    expect(importers("agent", /^node:(?!crypto$)|\/kernel\//).filter((path) => path.startsWith("lower/"))).toEqual([]);
  });

  it("is not seen by compiling, which is a pure function but for the hash.", () => {
    const found = importers("controller", /^node:(?!crypto$)/).filter((path) => path.startsWith("compile/"));
    expect(found).toEqual([]);
  });
});

it("Only the lab and tests know the lab.", () => {
  for (const name of Object.keys(MAY_IMPORT).filter((n) => n !== "lab"))
    expect(importers(name, /^@onehop\/(lab|testkit)/)).toEqual(name === "cli" ? ["program.ts"] : []);
});

it("No command goes through a shell.", () => {
  for (const name of Object.keys(MAY_IMPORT))
    for (const { path, text } of sourcesOf(name))
      expect(/shell:\s*true|\bexecSync\(|\bexec\(\s*`|"sh",\s*\["-c"/.test(text), `${name}/${path}`).toBe(false);
});
