import { existsSync, mkdirSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { inNamespace, run } from "@onehop/lab";
import { Child } from "@onehop/lab/system/child";

const SOURCES = fileURLToPath(new URL("./tools/", import.meta.url));
const BINARIES = join(dirname(fileURLToPath(import.meta.url)), "../.cache/bench");
const CFLAGS = ["-O2", "-Wall", "-Wextra", "-Werror"];

export type ToolName = "udp" | "rtt" | "connect" | "tap_relay" | "pairs" | "flow" | "raw" | "storm" | "frames";

/** The tool's binary, compiled where its source is newer. */
export async function toolPath(name: ToolName): Promise<string> {
  const binary = join(BINARIES, name);
  const sources = [join(SOURCES, `${name}.c`), join(SOURCES, "common.h")];
  const newest = Math.max(...sources.map((path) => statSync(path).mtimeMs));
  if (existsSync(binary) && statSync(binary).mtimeMs > newest) return binary;
  mkdirSync(BINARIES, { recursive: true });
  await run(["clang", ...CFLAGS, "-o", binary, sources[0]!]);
  return binary;
}

/** Resolves when the process has written `word`; an Error with its complaint where it ends before. */
export const saysReady = (child: Child, word = "ready"): Promise<void> =>
  new Promise((done, reject) => {
    let said = "";
    const listen = (piece: Buffer): void => {
      said += piece.toString();
      if (said.includes(word)) done();
    };
    child.process.stdout!.on("data", listen);
    child.process.stderr!.on("data", listen);
    void child.exited.then(() => reject(new Error(`${child.name} ended: ${said.trim().slice(0, 300)}`)));
  });

/** Starts a server in a namespace and waits until it listens. */
export async function serve(namespace: string, argv: readonly string[], word = "ready"): Promise<Child> {
  const child = await Child.start({ name: argv[0]!, argv: inNamespace(namespace, argv) });
  await saysReady(child, word);
  return child;
}
