/**
 * Keeps the docs true: every path they name exists, every relative link resolves, and every stage of the pipeline has
 * its heading in docs/pipeline.md. Prints what is wrong and exits 1.
 */
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "..");
const PIPELINE = "packages/datapath/bpf/pipeline.h";
const PIPELINE_DOC = "docs/pipeline.md";

/** Whether a path, relative to the root of the tree, is there. */
type Exists = (path: string) => boolean;

const withoutFences = (text: string): string => text.replace(/^```.*?^```/gms, (block) => block.replace(/[^\n]/g, ""));
const lineAt = (text: string, index: number): number => text.slice(0, index).split("\n").length;

/** Paths of the tree in backticks: `packages/core/src/errors.ts`. What a build makes is not in the tree. */
export function missingPaths(doc: string, text: string, exists: Exists): string[] {
  const prose = withoutFences(text);
  const found: string[] = [];
  for (const m of prose.matchAll(
    /`((?:packages|tools|tests|bench|docs|examples|bin|\.ci)\/[^`\s<>*{}]*|[A-Z]+\.md)`/g,
  )) {
    const path = m[1]!.replace(/\/$/, "");
    if (/\/dist\b|\.gen\.ts$/.test(path)) continue;
    if (!exists(path)) found.push(`${doc}:${lineAt(prose, m.index)}: there is no ${path}`);
  }
  return found;
}

/** Marks such as @@TABLE@@ stand where something has yet to be written. */
export function unwritten(doc: string, text: string): string[] {
  const prose = withoutFences(text);
  const marks = [...prose.matchAll(/@@\w+@@/g)];
  return marks.map((m) => `${doc}:${lineAt(prose, m.index)}: ${m[0]} is not written yet`);
}

/** `[text](path#heading)`; addresses with a scheme are not looked at. */
export function brokenLinks(
  doc: string,
  text: string,
  tree: { exists: Exists; read: (path: string) => string },
): string[] {
  const prose = withoutFences(text);
  const found: string[] = [];
  for (const m of prose.matchAll(/\[[^\]]*\]\(([^)\s]+)\)/g)) {
    const [path = "", heading] = m[1]!.split("#");
    if (/^[a-z]+:/.test(m[1]!)) continue;
    const target = path === "" ? doc : normalize(join(dirname(doc), path));
    const where = `${doc}:${lineAt(prose, m.index)}`;
    if (!tree.exists(target)) found.push(`${where}: the link to ${path} leads nowhere`);
    else if (heading && !slugsOf(tree.read(target)).includes(heading))
      found.push(`${where}: ${target} has no heading #${heading}`);
  }
  return found;
}

const headingsOf = (text: string): string[] =>
  [...withoutFences(text).matchAll(/^#+\s+(.*)$/gm)].map((m) => m[1]!.trim());
const slugsOf = (text: string): string[] =>
  headingsOf(text).map((h) =>
    h
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, "")
      .replaceAll(" ", "-"),
  );

/** Names of `enum oh_stage` in packet order, as headings have them: `source_guard`. */
export function stagesOf(header: string): string[] {
  const body = /enum oh_stage\s*\{(.*?)\}/s.exec(header)?.[1] ?? "";
  const names = [...body.matchAll(/\bOH_STAGE_(\w+)/g)].map((m) => m[1]!.toLowerCase());
  return [...new Set(names)].filter((n) => n !== "none" && n !== "max");
}

export function missingStages(header: string, doc: string): string[] {
  const headings = headingsOf(doc).map((h) => h.toLowerCase());
  const stages = stagesOf(header).filter(
    (s) =>
      !headings.some(
        (h) =>
          h
            .replace(/[`\d.]/g, "")
            .trim()
            .split(/[\s:]/)[0] === s,
      ),
  );
  return stages.map((s) => `${PIPELINE_DOC}: no heading for the stage ${s}`);
}

/** Everything wrong with the docs of the tree. */
export function checkDocs(): string[] {
  const list = ["ls-files", "--cached", "--others", "--exclude-standard", "*.md"];
  const docs = execFileSync("git", list, { cwd: ROOT, encoding: "utf8" })
    .split("\n")
    .filter((f) => f !== "");
  const exists: Exists = (path) => existsSync(join(ROOT, path));
  const read = (path: string): string => readFileSync(join(ROOT, path), "utf8");
  const problems = docs.filter(exists).flatMap((doc) => {
    const text = read(doc);
    return [...missingPaths(doc, text, exists), ...brokenLinks(doc, text, { exists, read }), ...unwritten(doc, text)];
  });
  for (const needed of ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", PIPELINE_DOC])
    if (!exists(needed)) problems.push(`${needed} is missing`);
  if (exists(PIPELINE_DOC)) problems.push(...missingStages(read(PIPELINE), read(PIPELINE_DOC)));
  return problems;
}

if (process.argv[1] && fileURLToPath(import.meta.url) === process.argv[1]) {
  const problems = checkDocs();
  for (const problem of problems) console.log(problem);
  process.exitCode = problems.length ? 1 : 0;
}
