import { hostname } from "node:os";
import { type Command, Option } from "commander";
import { collect } from "../collect.ts";
import type { Io } from "../io.ts";
import { AGENT_SOCKET, type AgentFlags, objectsOption, pinsOption, STATE_DIR, uplinkOption } from "../service_flags.ts";

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
