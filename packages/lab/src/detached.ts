import { spawn } from "node:child_process";
import { onehop } from "./install.ts";
import { isAlive, signal } from "./system/identity.ts";
import { liveLabs } from "./system/state.ts";
import { sweepDead } from "./system/sweep.ts";
import { until } from "./system/until.ts";

/** What a detached lab tells the command that started it, over the channel of node's child processes. */
export interface Told {
  readonly text?: string;
  readonly up?: true;
}

/** Whether this process was started by `detach`: then nobody's terminal ends it, and it has somebody to tell. */
export const isDetached = process.send !== undefined;
export function tellStarter(told: Told): void {
  if (process.connected) process.send?.(told);
}

/** Starts the same command in a session of its own and comes back when its lab is ready. */
export function detach(args: readonly string[], tell: (text: string) => void): Promise<void> {
  const [file, ...rest] = onehop(...args.filter((a) => a !== "-d" && a !== "--detach"));
  const child = spawn(file!, rest, { stdio: ["ignore", "ignore", "ignore", "ipc"], detached: true });
  return new Promise((done, reject) => {
    child.on("message", (message: Told) => {
      if (message.text) tell(message.text);
      if (!message.up) return;
      child.disconnect();
      child.unref();
      done();
    });
    child.once("error", reject);
    child.once("exit", () => reject(new Error("The lab ended before it was up.")));
  });
}

/** Ends a lab and cleans after dead ones. The id may be left out while there is only one. */
export async function down(id: string | undefined): Promise<void> {
  await sweepDead();
  const live = liveLabs();
  if (id === undefined && live.length > 1)
    throw new Error(`Several labs are running: ${live.map((lab) => lab.id).join(", ")}. Say which to end.`);
  const lab = live.find((l) => id === undefined || l.id === id);
  if (!lab) {
    if (id === undefined) return;
    throw new Error(`No lab ${id} is running; onehop lab ls shows those that are.`);
  }
  signal(lab.owner, "SIGTERM");
  await until(`lab ${lab.id} to end`, () => !isAlive(lab.owner) || undefined);
  await sweepDead();
}
