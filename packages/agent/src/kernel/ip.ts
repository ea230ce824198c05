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

/** Calls back for every line of `ip monitor` until the signal aborts; starts it anew should it end. */
export function monitor(onLine: () => void, signal: AbortSignal): void {
  let child: ChildProcess | undefined;
  const start = (): void => {
    if (signal.aborted) return;
    child = spawn("ip", ["-o", "monitor", "link", "route"], { stdio: ["ignore", "pipe", "ignore"] });
    if (child.stdout) createInterface({ input: child.stdout }).on("line", onLine);
    child.on("error", () => undefined);
    child.on("close", () => {
      // What happened in between was missed.
      onLine();
      setTimeout(start, 1000).unref();
    });
  };
  signal.addEventListener("abort", () => child?.kill());
  start();
}
