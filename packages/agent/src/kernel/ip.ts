import { type ChildProcess, execFile, spawn } from "node:child_process";
import { createInterface } from "node:readline";

/** Runs iproute2 with an argument list; throws with what it said. */
export function run(command: "ip" | "tc", args: readonly string[], input = ""): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = { maxBuffer: 256 * 1024 * 1024 };
    const child = execFile(command, [...args], options, (error, stdout, stderr) => {
      if (error) reject(new IpError(`${command} ${args.join(" ")}`, stderr.trim() || error.message, stdout));
      else resolve(stdout);
    });
    // A command that fails at once does not read: the error is reported above.
    child.stdin?.on("error", () => undefined);
    child.stdin?.end(input);
  });
}

export class IpError extends Error {
  /** What it printed before it failed. */
  readonly stdout: string;
  constructor(command: string, said: string, stdout: string) {
    super(`${command}: ${said}`);
    this.name = "IpError";
    this.stdout = stdout;
  }
}

/** Every JSON array that `ip -j` printed, as one list. */
export function rowsOf<T>(output: string): T[] {
  return output.split("\n").flatMap((line) => (line.trim().startsWith("[") ? (JSON.parse(line) as T[]) : []));
}

/** What `ip -d link` tells of a device. */
export interface IpLink {
  readonly ifindex: number;
  readonly ifname: string;
  readonly flags: readonly string[];
  readonly mtu: number;
  readonly ifalias?: string;
  /** Name of the device that this one is a port of. */
  readonly master?: string;
  /** There, and not null, where the other end is in another namespace. */
  readonly link_netnsid?: number;
  readonly linkinfo?: { readonly info_kind?: string; readonly info_slave_data?: Readonly<Record<string, unknown>> };
}

export const listLinks = async (): Promise<IpLink[]> => rowsOf(await run("ip", ["-j", "-d", "link", "show"]));

/** The line that `ip monitor` prints of a device; group 1: its interface index. */
const LINK_LINE = /^\[LINK\](?:Deleted )?(\d+):/;

/**
 * Calls back for every line of `ip monitor` until the signal aborts, with the interface index where it is of a device;
 * starts it anew should it end. Routes are those of IPv4: tunnels have no others.
 */
export function monitor(onChange: (ifindex?: number) => void, signal: AbortSignal): void {
  let child: ChildProcess | undefined;
  const start = (): void => {
    if (signal.aborted) return;
    child = spawn("ip", ["-4", "-o", "monitor", "link", "route", "label"], { stdio: ["ignore", "pipe", "ignore"] });
    const said = (line: string) => {
      const ifindex = LINK_LINE.exec(line)?.[1];
      onChange(ifindex === undefined ? undefined : Number(ifindex));
    };
    if (child.stdout) createInterface({ input: child.stdout }).on("line", said);
    child.on("error", () => undefined);
    child.on("close", () => {
      // What happened in between was missed.
      onChange();
      setTimeout(start, 1000).unref();
    });
  };
  signal.addEventListener("abort", () => child?.kill());
  start();
}
