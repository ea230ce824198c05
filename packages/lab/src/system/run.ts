import { execFile } from "node:child_process";
import { namespacePath } from "../names.ts";

/** A command that could not do its work: what was run, how it ended and what it said. */
export class CommandError extends Error {
  readonly code: number | undefined;
  constructor(argv: readonly string[], code: number | undefined, said: string) {
    super(`${argv.join(" ").slice(0, 200)} ended with ${code ?? "a signal"}: ${said.trim().slice(0, 500)}`);
    this.name = "CommandError";
    this.code = code;
  }
}

export interface Ran {
  readonly code: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs to the end, whatever the exit code (undefined: killed, or by `timeoutMs`). Never through a shell. */
export function tryRun(argv: readonly string[], options: { input?: string; timeoutMs?: number } = {}): Promise<Ran> {
  const [file, ...args] = argv as [string, ...string[]];
  return new Promise((done, reject) => {
    const child = execFile(
      file,
      args,
      { maxBuffer: 64 << 20, timeout: options.timeoutMs ?? 60_000, killSignal: "SIGKILL" },
      (error, stdout, stderr) => {
        const code = error ? error.code : 0;
        if (typeof code === "string") reject(new CommandError(argv, undefined, `${code}: is the command installed?`));
        else done({ code: code ?? undefined, stdout, stderr });
      },
    );
    child.stdin?.on("error", () => undefined); // it may end without reading all
    child.stdin?.end(options.input ?? "");
  });
}

/** As tryRun; a non-zero exit is an error. Gives what it wrote to stdout. */
export async function run(
  argv: readonly string[],
  options: { input?: string; timeoutMs?: number } = {},
): Promise<string> {
  const ran = await tryRun(argv, options);
  if (ran.code !== 0) throw new CommandError(argv, ran.code, ran.stderr || ran.stdout);
  return ran.stdout;
}

/** The command in a network namespace; unlike `ip netns exec` all mounts stay those of the caller. */
export const inNamespace = (namespace: string, argv: readonly string[]): string[] => [
  "nsenter",
  `--net=${namespacePath(namespace)}`,
  "--",
  ...argv,
];

/** Lines for `ip -batch`, in a namespace where one is named. */
export async function ipBatch(lines: readonly string[], namespace?: string): Promise<void> {
  if (lines.length === 0) return;
  await run(["ip", ...(namespace ? ["-n", namespace] : []), "-batch", "-"], { input: `${lines.join("\n")}\n` });
}

/** Names of all network namespaces that start so. */
export async function namespacesWith(prefix: string): Promise<string[]> {
  const out = await run(["ip", "netns", "list"]);
  return out
    .split("\n")
    .map((line) => line.split(" ")[0]!)
    .filter((name) => name.startsWith(prefix));
}
