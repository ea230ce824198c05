import { readFileSync } from "node:fs";

const TICKS_A_SECOND = 100;

/** Seconds of processor time that a process has used (proc(5), stat fields 14 and 15); 0 where it is gone. */
export function cpuSeconds(pid: number | undefined): number {
  const stat = read(pid, "stat");
  // The command's name, in parentheses, may hold anything.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11] ?? 0) + Number(fields[12] ?? 0)) / TICKS_A_SECOND;
}

/** Resident memory now, MB of 2^20 bytes; 0 where the process is gone. */
export const rssMb = (pid: number | undefined): number => kilobytes(pid, "VmRSS") / 1024;
/** The most that it ever was. */
export const peakMb = (pid: number | undefined): number => kilobytes(pid, "VmHWM") / 1024;

const kilobytes = (pid: number | undefined, field: string): number =>
  Number(new RegExp(`^${field}:\\s+(\\d+) kB$`, "m").exec(read(pid, "status"))?.[1] ?? 0);

function read(pid: number | undefined, file: "stat" | "status"): string {
  try {
    return pid === undefined ? "" : readFileSync(`/proc/${pid}/${file}`, "utf8");
  } catch {
    return "";
  }
}
