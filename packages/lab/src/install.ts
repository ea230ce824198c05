import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** Where onehop is installed: the nearest directory above this file that has bin/onehop. */
export function installDir(): string {
  let dir = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(dir, "bin/onehop"))) {
    if (dir === dirname(dir)) throw new Error("bin/onehop is not above the lab's own files.");
    dir = dirname(dir);
  }
  return dir;
}

/** The command line's start for processes of the lab: the same program as production runs. */
export const onehop = (...args: string[]): string[] => [
  process.execPath,
  join(installDir(), "dist/onehop.mjs"),
  ...args,
];
export const binDir = (): string => join(installDir(), "bin");
export const exampleFile = (name: string): string => join(installDir(), "examples", name);
