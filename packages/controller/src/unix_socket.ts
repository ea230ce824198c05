import { chmodSync, mkdirSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { dirname } from "node:path";

/**
 * Makes a path free to listen on, its folder included: /run is empty after a boot. A socket that a killed process left
 * behind is removed; throws where somebody serves it.
 */
export async function makeRoom(path: string): Promise<void> {
  mkdirSync(dirname(path), { recursive: true });
  await new Promise<void>((resolve, reject) => {
    const probe = connect(path);
    probe.once("connect", () => {
      probe.destroy();
      reject(new Error(`${path} is served by another process`));
    });
    probe.once("error", (error: NodeJS.ErrnoException) => {
      // Nobody listens, or it is a link to what is gone.
      if (error.code === "ECONNREFUSED" || error.code === "ENOENT") rmSync(path, { force: true });
      resolve();
    });
  });
}

/** A socket that is listened on: for root only. */
export const closeToOthers = (path: string): void => chmodSync(path, 0o600);
