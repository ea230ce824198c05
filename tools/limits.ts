/**
 * Keeps files and functions short: prints what is over the limits of CONTRIBUTING.md and exits 1 where the committed
 * allowance (tools/limits.allow.txt) does not cover it. The allowance may only shrink: an entry that is larger than the
 * truth fails too. `--update` writes the smaller truth; it never writes a new or a larger entry.
 *
 * TypeScript functions are judged by Biome; lines of files, and C, by counting here.
 */
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "..");
const ALLOWANCE = "tools/limits.allow.txt";
const LIMITS = { file: 300, testFile: 400, function: 60, stage: 80, params: 4 } as const;

export interface Excess {
  readonly path: string;
  /** What is too large: `file`, `function NAME` or `params NAME`. */
  readonly what: string;
  readonly size: number;
  readonly limit: number;
}

const isTest = (path: string): boolean => /\.(test|scenario)\.ts$|\/test\//.test(path);

function sources(): string[] {
  const args = ["ls-files", "--cached", "--others", "--exclude-standard", "packages", "tools", "tests", "bench"];
  const files = execFileSync("git", args, { cwd: ROOT, encoding: "utf8" }).split("\n");
  return files.filter((f) => /\.(ts|c|h|sh|mjs)$/.test(f) && !f.endsWith(".gen.ts") && existsSync(join(ROOT, f)));
}

export function longFile(path: string, text: string): Excess[] {
  const limit = isTest(path) ? LIMITS.testFile : LIMITS.file;
  const size = text.split("\n").length - 1;
  return size > limit ? [{ path, what: "file", size, limit }] : [];
}

/** Functions of C in the kernel's layout: the body's closing brace stands in the first column. */
export function longFunctionsOfC(path: string, text: string): Excess[] {
  const limit = path.includes("/stages/") ? LIMITS.stage : LIMITS.function;
  const found: Excess[] = [];
  for (const m of text.matchAll(/^[a-zA-Z_][^;{}#]*?\b(\w+)\(([^;{}]*?)\)\s*\n?\{\n(.*?)^\}/gms)) {
    const [, name = "", params = "", body = ""] = m;
    const size = body.split("\n").length - 1;
    if (size > limit) found.push({ path, what: `function ${name}`, size, limit });
    const count = params.trim() === "" || params.trim() === "void" ? 0 : params.split(",").length;
    if (count > LIMITS.params) found.push({ path, what: `params ${name}`, size: count, limit: LIMITS.params });
  }
  return found;
}

interface Diagnostic {
  readonly message: string;
  readonly category: string;
  readonly location: { readonly path: string; readonly start: { readonly line: number } };
}

function longFunctionsOfTypeScript(paths: readonly string[]): Excess[] {
  const biome = join(ROOT, "node_modules/.bin/biome");
  const args = ["lint", "--config-path=tools/limits.biome.json", "--reporter=json", "--max-diagnostics=none", ...paths];
  const { diagnostics } = JSON.parse(outputOf(biome, args)) as { diagnostics: Diagnostic[] };
  return diagnostics.flatMap((d) => excessOf(d));
}

function outputOf(command: string, args: readonly string[]): string {
  try {
    return execFileSync(command, args, {
      cwd: ROOT,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
      maxBuffer: 1 << 28,
    });
  } catch (error) {
    const { stdout } = error as { stdout?: string };
    if (stdout) return stdout;
    throw error;
  }
}

function excessOf({ message, category, location }: Diagnostic): Excess[] {
  const { path, start } = location;
  if (isTest(path)) return []; // A table of cases is one long function, its rows' columns are parameters.
  const line = readFileSync(join(ROOT, path), "utf8").split("\n")[start.line - 1] ?? "";
  const name = /(?:function\s+|const\s+|async\s+)?(\w+)\s*(?:[=(:<]|$)/.exec(line.trim())?.[1] ?? `line ${start.line}`;
  const size = Number(/\d+/.exec(message)?.[0]);
  if (category.endsWith("useMaxParams")) return [{ path, what: `params ${name}`, size, limit: LIMITS.params }];
  if (!category.endsWith("noExcessiveLinesPerFunction")) return [];
  return [{ path, what: `function ${name}`, size, limit: LIMITS.function }];
}

const keyOf = (e: Pick<Excess, "path" | "what">): string => `${e.path} ${e.what}`;

export function readAllowance(text: string): Map<string, number> {
  const lines = text.split("\n").filter((l) => l.trim() !== "" && !l.startsWith("#"));
  return new Map(lines.map((l) => [l.slice(l.indexOf(" ") + 1), Number.parseInt(l, 10)]));
}

/** What is wrong: over the limits and the allowance, or an allowance larger than needed. */
export function judge(excesses: readonly Excess[], allowance: ReadonlyMap<string, number>): string[] {
  const problems: string[] = [];
  const sizes = new Map(excesses.map((e) => [keyOf(e), e.size]));
  for (const e of excesses) {
    if (e.size > (allowance.get(keyOf(e)) ?? 0)) problems.push(`${keyOf(e)}: ${e.size}, limit ${e.limit}`);
  }
  for (const [key, allowed] of allowance)
    if ((sizes.get(key) ?? 0) < allowed)
      problems.push(`${key}: allowance of ${allowed} is too large; run with --update`);
  return problems;
}

function shrink(excesses: readonly Excess[], allowance: ReadonlyMap<string, number>): string {
  const kept = excesses.filter((e) => allowance.has(keyOf(e)) && e.size <= allowance.get(keyOf(e))!);
  const lines = kept.map((e) => `${e.size} ${keyOf(e)}`).sort((a, b) => a.localeCompare(b));
  return `# What may stay over the limits of tools/limits.ts for now. Entries only shrink.\n${lines.map((l) => `${l}\n`).join("")}`;
}

function main(args: readonly string[]): number {
  const paths = sources();
  const excesses = [...longFunctionsOfTypeScript(paths.filter((p) => p.endsWith(".ts")))];
  for (const path of paths) {
    const text = readFileSync(join(ROOT, path), "utf8");
    excesses.push(...longFile(path, text));
    if (/\.[ch]$/.test(path)) excesses.push(...longFunctionsOfC(path, text));
  }
  const allowance = readAllowance(readFileSync(join(ROOT, ALLOWANCE), "utf8"));
  if (args.includes("--update")) writeFileSync(join(ROOT, ALLOWANCE), shrink(excesses, allowance));
  const problems = judge(excesses, args.includes("--update") ? new Map(allowance) : allowance);
  const left = args.includes("--update") ? problems.filter((p) => !p.includes("too large")) : problems;
  for (const problem of left) console.log(problem);
  return left.length ? 1 : 0;
}

if (process.argv[1] && fileURLToPath(import.meta.url) === process.argv[1])
  process.exitCode = main(process.argv.slice(2));
