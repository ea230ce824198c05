import { readFileSync } from "node:fs";

/** A process for good: a pid is given out again, a pid with its start time is not. */
export interface ProcessId {
  readonly pid: number;
  /** Clock ticks from boot to its start (proc(5), /proc/pid/stat field 22). */
  readonly start: number;
}

/** Undefined where there is no such process, or only its zombie. */
export function identify(pid: number): ProcessId | undefined {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  } catch {
    return undefined;
  }
  // The command's name, in parentheses, may hold anything; the fields after it are plain.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return fields[0] === "Z" ? undefined : { pid, start: Number(fields[19]) };
}

export const isAlive = (process: ProcessId): boolean => identify(process.pid)?.start === process.start;

/** Sends the signal only to that very process; false where it is gone. */
export function signal(target: ProcessId, name: NodeJS.Signals): boolean {
  if (!isAlive(target)) return false;
  try {
    return process.kill(target.pid, name);
  } catch {
    return false;
  }
}
