import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { build, type Metafile } from "esbuild";
import { beforeAll, expect, it } from "vitest";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
let metafile: Metafile;

beforeAll(async () => {
  const result = await build({
    absWorkingDir: ROOT,
    entryPoints: ["packages/cli/src/main.ts"],
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "node",
    outdir: "unused",
    write: false,
    metafile: true,
    external: ["koffi"],
    logLevel: "silent",
  });
  metafile = result.metafile;
});

/** Every source file that is read before the first command runs: the entry's chunk and what it imports statically. */
function loadedAtStart(): string[] {
  const entry = Object.keys(metafile.outputs).find((o) => metafile.outputs[o]?.entryPoint?.endsWith("cli/src/main.ts"));
  const chunks = new Set<string>();
  const visit = (chunk: string): void => {
    if (chunks.has(chunk)) return;
    chunks.add(chunk);
    for (const i of metafile.outputs[chunk]?.imports ?? [])
      if (i.kind === "import-statement" && !i.external) visit(i.path);
  };
  visit(entry!);
  const inputs = [...chunks].flatMap((c) => Object.entries(metafile.outputs[c]!.inputs));
  return inputs.filter(([, { bytesInOutput }]) => bytesInOutput > 0).map(([path]) => path);
}

it("Help loads the CLI, the nouns, commander and typebox, and no other package.", () => {
  const packages = loadedAtStart().map((path) => /(?:packages|node_modules)\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1]);
  expect([...new Set(packages)].sort()).toEqual(["cli", "commander", "core", "picocolors", "typebox"]);
});

it("No source of the CLI imports itself, over whatever others.", () => {
  const imports = (path: string): string[] => metafile.inputs[path]?.imports.map((i) => i.path) ?? [];
  const reached = (from: string): Set<string> => {
    const seen = new Set<string>();
    const open = imports(from);
    for (let path = open.pop(); path; path = open.pop()) {
      if (!seen.has(path)) open.push(...imports(path));
      seen.add(path);
    }
    return seen;
  };
  const own = Object.keys(metafile.inputs).filter((path) => path.startsWith("packages/cli/src/"));
  expect(own.filter((path) => reached(path).has(path))).toEqual([]);
});

it("The process ends with the command's exit code and all of its words.", () => {
  const main = fileURLToPath(new URL("../src/main.ts", import.meta.url));
  const onehop = (...argv: string[]) =>
    spawnSync(process.execPath, ["--import", "tsx", main, ...argv], { encoding: "utf8", cwd: ROOT });
  const refused = onehop("vpc", "list", "--url", "unix:/nonexistent/api.sock");
  expect(refused).toMatchObject({ status: 6, stdout: "" });
  expect(refused.stderr).toContain("cannot be reached");
  const help = onehop("--help");
  expect(help).toMatchObject({ status: 0, stderr: "" });
  expect(help.stdout.trimEnd().endsWith("NO_COLOR.")).toBe(true);
});
