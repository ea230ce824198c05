import { chmod, stat } from "node:fs/promises";

const OTHERS = 0o077;

/** Takes a file with keys away from whoever is not root; a sentence where others could read or write it until now. */
export async function rootOnly(path: string): Promise<string | undefined> {
  const { mode } = await stat(path);
  if ((mode & OTHERS) === 0) return undefined;
  await chmod(path, mode & ~OTHERS & 0o777);
  const was = (mode & 0o777).toString(8);
  return `${path} has keys and was open to others (mode ${was}); it is root's alone now. Give new keys where others may have read it.`;
}
