import { randomBytes } from "node:crypto";
import { mkdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** Contents by file name. */
export type Files = Readonly<Record<string, string>>;

/** Each file whole or not at all, whoever reads it and whenever the power goes; all of it is for root only. */
export async function writeFiles(dir: string, files: Files): Promise<void> {
  await mkdir(dir, { recursive: true, mode: 0o700 });
  for (const [name, content] of Object.entries(files)) {
    const path = join(dir, name);
    const beside = `${path}.${randomBytes(4).toString("hex")}`;
    try {
      await writeFile(beside, content, { mode: 0o600, flag: "wx", flush: true });
      await rename(beside, path);
    } finally {
      await rm(beside, { force: true });
    }
  }
}
