import { onStderr } from "./paint.ts";

/** Tells a person what is going on, one line a step. */
export type Progress = (what: string) => void;

/** Lines with the seconds since the start, on `write`. */
export function progressLines(write: (text: string) => void, now: () => number): Progress {
  const start = now();
  return (what) => write(`${onStderr.dim(`[${((now() - start) / 1000).toFixed(1).padStart(5)} s]`)} ${what}\n`);
}
