/**
 * Compiles packages/datapath/bpf to objects and writes the TypeScript face of their maps. Nothing is done where the
 * inputs are those of the last build.
 *
 *   bpf/*.bpf.c     -> dist/<name>.bpf.o   one program each
 *   bpf/maps/*.h    -> dist/maps.bpf.o     every map once; programs borrow them from here
 *                   -> src/maps.gen.ts     types, enums and the layout table
 */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { type BtfType, layoutOf } from "../packages/datapath/src/btf.ts";
import { generate } from "../packages/datapath/src/generate.ts";

const run = promisify(execFile);
const DATAPATH = fileURLToPath(new URL("../packages/datapath/", import.meta.url));
const BPF = join(DATAPATH, "bpf");
const DIST = join(DATAPATH, "dist");
const GENERATED = join(DATAPATH, "src/maps.gen.ts");
const STAMP = join(DIST, "inputs.sha256");

/** The kernel's own structs whose offsets src/sys needs. */
const KERNEL_STRUCTS = ["bpf_prog_info", "bpf_map_info", "bpf_link_info", "__sk_buff"];
const CLANG = ["-O2", "-g", "-mcpu=v3", "-target", "bpf", "-Wall", "-Werror", "-I", BPF];
const MULTIARCH: Readonly<Record<string, string>> = { x64: "x86_64-linux-gnu", arm64: "aarch64-linux-gnu" };

/** Headers, relative to bpf/. */
interface Headers {
  readonly all: readonly string[];
  readonly text: ReadonlyMap<string, string>;
}

async function readHeaders(): Promise<Headers> {
  const maps = (await readdir(join(BPF, "maps"))).filter((name) => name.endsWith(".h")).sort();
  const all = ["drop_reasons.h", "pipeline.h", ...maps.map((name) => `maps/${name}`)];
  const text = new Map(await Promise.all(all.map(async (h) => [h, await readFile(join(BPF, h), "utf8")] as const)));
  return { all, text };
}

const include = (header: string): string => `#include "${header}"`;
const matches = (headers: Headers, pattern: RegExp, files: readonly string[]): string[] =>
  files.flatMap((file) => [...(headers.text.get(file) ?? "").matchAll(pattern)].map((m) => m[1] ?? ""));

/** A unit that names every type, so that clang records each in BTF; it is never loaded. */
function layoutUnit(headers: Headers) {
  const maps = headers.all.filter((h) => h.startsWith("maps/"));
  const structs = matches(headers, /^struct (\w+) \{/gm, maps);
  const enums = matches(headers, /^enum (\w+) \{/gm, headers.all);
  const constants = matches(headers, /^#define OH_(\w+) (?:0x[\da-f]+|\d+)\b/gm, maps);
  const named = [...structs, ...KERNEL_STRUCTS].map((name) => `struct ${name}`).concat(enums.map((e) => `enum ${e}`));
  const source = [
    ...headers.all.map(include),
    "#include <linux/bpf.h>",
    `enum oh_constant { ${constants.map((c) => `OH_CONSTANT_${c} = OH_${c}`).join(", ")} };`,
    ...[...named, "enum oh_constant"].map((type, i) => `${type} type_${i};`),
    "",
  ].join("\n");
  return { source, request: { structs, enums: [...enums, "oh_constant"], kernel: KERNEL_STRUCTS } };
}

/** A unit with every map and nothing else. */
const mapsUnit = (headers: Headers): string =>
  headers.all
    .filter((h) => headers.text.get(h)?.includes('SEC(".maps")'))
    .map(include)
    .join("\n");

/** Each output is written aside and renamed: two builds at once do no harm, and a reader never sees half a file. */
async function replace(path: string, write: (aside: string) => Promise<unknown>): Promise<void> {
  const aside = `${path}.${process.pid}`;
  try {
    await write(aside);
    await rename(aside, path);
  } catch (error) {
    await Promise.all([path, aside].map((p) => rm(p, { force: true })));
    throw error;
  }
}

async function compile(source: string, object: string): Promise<void> {
  const system = MULTIARCH[process.arch];
  const arch = system ? ["-I", `/usr/include/${system}`] : [];
  await replace(object, async (aside) => {
    await run("clang", [...CLANG, ...arch, "-c", source, "-o", aside]);
    // Debug information is not loaded; BTF stays. Without the tool the object is only larger.
    await run("llvm-strip", ["-g", aside]).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "ENOENT") throw error;
    });
  });
}

/** Compiles a unit made here; its source stays beside it for reading. */
async function compileText(name: string, source: string): Promise<string> {
  const path = join(DIST, `${name}.bpf.c`);
  await replace(path, (aside) => writeFile(aside, source));
  await compile(path, join(DIST, `${name}.bpf.o`));
  return join(DIST, `${name}.bpf.o`);
}

/** bpftool widens enum values from signed 32 bits: 0xffffffff comes out as 2^64 - 1, which a number cannot hold. */
const parseBtf = (json: string): { types: BtfType[] } =>
  JSON.parse(json.replace(/("val": ?)(\d{11,})/g, (_, key, n) => `${key}${BigInt.asUintN(32, BigInt(n))}`));

async function buildLayout(): Promise<void> {
  const headers = await readHeaders();
  const unit = layoutUnit(headers);
  await compileText("maps", mapsUnit(headers));
  const object = await compileText("layout", unit.source);
  const { stdout } = await run("bpftool", ["btf", "dump", "file", object, "-j"], { maxBuffer: 1 << 26 });
  const text = generate(layoutOf(parseBtf(stdout), unit.request));
  const same = existsSync(GENERATED) && (await readFile(GENERATED, "utf8")) === text;
  if (!same) await replace(GENERATED, (aside) => writeFile(aside, text));
}

const programs = async (): Promise<string[]> => (await readdir(BPF)).filter((name) => name.endsWith(".bpf.c")).sort();

/** A hash over everything that the outputs are made from. */
async function inputsHash(): Promise<string> {
  const hash = createHash("sha256");
  const sources = (await readdir(BPF, { recursive: true })).filter((name) => /\.[ch]$/.test(name)).sort();
  const own = ["btf.ts", "generate.ts", "map_kind.ts"].map((name) => join(DATAPATH, "src", name));
  for (const path of [...sources.map((s) => join(BPF, s)), ...own, fileURLToPath(import.meta.url)])
    hash
      .update(path.slice(DATAPATH.length))
      .update("\0")
      .update(await readFile(path))
      .update("\0");
  return hash.digest("hex");
}

async function upToDate(hash: string): Promise<boolean> {
  const outputs = (await programs()).map((name) => join(DIST, name.replace(/\.c$/, ".o")));
  if (![GENERATED, STAMP, join(DIST, "maps.bpf.o"), ...outputs].every((path) => existsSync(path))) return false;
  return (await readFile(STAMP, "utf8")) === hash;
}

const explain = (error: unknown): string => {
  const { code, stderr, message, path } = error as Error & { code?: unknown; stderr?: string; path?: string };
  if (code === "ENOENT" && path && !path.includes("/"))
    return `${path} is missing: apt-get install clang llvm libbpf-dev bpftool linux-libc-dev`;
  return stderr || message;
};

/**
 * Builds what is out of date. Throws an Error whose message holds every compiler message; an object that does not
 * compile is removed, so that no test runs on an old one.
 */
export async function ensureBuilt(): Promise<{ built: boolean }> {
  const hash = await inputsHash();
  if (await upToDate(hash)) return { built: false };
  await mkdir(DIST, { recursive: true });
  await rm(STAMP, { force: true });
  const jobs = [buildLayout(), ...(await programs()).map((name) => compileProgram(name))];
  const failed = (await Promise.allSettled(jobs)).flatMap((job) => (job.status === "rejected" ? [job.reason] : []));
  if (failed.length > 0) throw new Error(`The data plane does not build.\n${failed.map(explain).join("\n")}`);
  await replace(STAMP, (aside) => writeFile(aside, hash));
  return { built: true };
}

const compileProgram = (name: string): Promise<void> =>
  compile(join(BPF, name), join(DIST, `${basename(name, ".c")}.o`));

/** vitest's globalSetup: tests that need no object run even where the C does not compile; the others then fail. */
export async function setup(): Promise<void> {
  await ensureBuilt().catch((error: Error) => console.error(error.message));
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  try {
    const { built } = await ensureBuilt();
    console.log(built ? "data plane: built" : "data plane: up to date");
  } catch (error) {
    console.error((error as Error).message);
    process.exitCode = 1;
  }
}
