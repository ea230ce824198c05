import { existsSync } from "node:fs";
import { hostname } from "node:os";
import { fileURLToPath } from "node:url";
import { type Command, Option } from "commander";
import type { Io } from "../io.ts";

export const AGENT_SOCKET = "unix:/run/onehop/agent.sock";
export const STATE_DIR = "/var/lib/onehop";
export const PINS = "/sys/fs/bpf/onehop";

const collect = (text: string, before: string[] | undefined): string[] => [...(before ?? []), text];

export interface AgentFlags {
  readonly host: string;
  readonly controller?: readonly string[];
  readonly stateDir: string;
  readonly pins?: string;
  readonly uplink: readonly string[];
  readonly objects?: string;
}

/** `onehop agent`: the part that runs on every host. */
export function registerAgent(program: Command, io: Io): void {
  const command = program.command("agent").description("serve the ports of this host").helpGroup("Running:");
  command
    .addOption(new Option("--host <name>", "this host, as registered with onehop host create").default(hostname()))
    .addOption(
      new Option("--controller <url>", `a controller; may be repeated (default: ${AGENT_SOCKET})`).argParser(collect),
    )
    .addOption(uplinkOption().makeOptionMandatory())
    .addOption(new Option("--state-dir <dir>", "keeps the last plan").default(`${STATE_DIR}/agent`))
    .addOption(pinsOption())
    .addOption(objectsOption())
    .action(async (flags: AgentFlags) => {
      const { runAgent, runServices } = await import("../services.ts");
      await runServices(io, async (add) => add(await runAgent(flags)));
    });
}

export const uplinkOption = (): Option =>
  new Option("--uplink <device>", "an underlay device; may be repeated").argParser(collect);

export const pinsOption = (): Option =>
  new Option("--pins <dir>", `folder of this host on a bpf file system (default: ${PINS}/HOST)`);

export const objectsOption = (): Option =>
  new Option("--objects <dir>", "folder of the compiled programs (default: those of this installation)");

/** The compiled programs lie beside the bundle; run from sources, where the build put them. */
export async function objectDir(given: string | undefined): Promise<string> {
  if (given) return given;
  for (const beside of ["./bpf", "../bpf"]) {
    const dir = fileURLToPath(new URL(beside, import.meta.url));
    if (existsSync(dir)) return dir;
  }
  return (await import("@onehop/datapath/object")).OBJECT_DIR;
}
