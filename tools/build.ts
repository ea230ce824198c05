/**
 * Bundles the command: packages/cli/src/main.ts → dist/onehop.mjs, with what is loaded lazily in chunks of its own.
 * `npx tsx tools/build.ts`; tools/setup.sh calls it when sources changed.
 */
import { copyFileSync, mkdirSync, readdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const DIST = join(ROOT, "dist");
const CHUNKS = join(DIST, "chunks");
const OBJECTS = join(ROOT, "packages/datapath/dist");

/** CommonJS dependencies expect these three, which ES modules do not have. */
const BANNER = `import { createRequire as __ohCreateRequire } from "node:module";
import { fileURLToPath as __ohFileURLToPath } from "node:url";
const require = __ohCreateRequire(import.meta.url);
const __ohFilename = __ohFileURLToPath(import.meta.url);
const __ohDirname = __ohFilename.slice(0, __ohFilename.lastIndexOf("/"));`;

async function bundle(): Promise<void> {
  await build({
    absWorkingDir: ROOT,
    entryPoints: { onehop: "packages/cli/src/main.ts" },
    outdir: DIST,
    outExtension: { ".js": ".mjs" },
    chunkNames: "chunks/[name]-[hash]",
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "node",
    target: "node20",
    external: ["koffi"],
    banner: { js: BANNER },
    define: { __filename: "__ohFilename", __dirname: "__ohDirname" },
    sourcemap: "linked",
    legalComments: "none",
    logLevel: "warning",
  });
}

/** A running onehop may still load chunks of an earlier build, so those are kept for a day. */
function dropOldChunks(now: number): void {
  for (const name of readdirSync(CHUNKS)) {
    const file = join(CHUNKS, name);
    if (now - statSync(file).mtimeMs > 86_400_000) rmSync(file);
  }
}

function copyObjects(): void {
  mkdirSync(join(DIST, "bpf"), { recursive: true });
  for (const name of readdirSync(OBJECTS))
    if (name.endsWith(".o")) copyFileSync(join(OBJECTS, name), join(DIST, "bpf", name));
}

mkdirSync(CHUNKS, { recursive: true });
await bundle();
copyObjects();
dropOldChunks(Date.now());
