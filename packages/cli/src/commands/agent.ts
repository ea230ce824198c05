import { hostname } from "node:os";
import { type Command, Option } from "commander";
import { collect } from "../collect.ts";
import { usage } from "../exit.ts";
import type { Io } from "../io.ts";
import {
  AGENT_SOCKET,
  type AgentFlags,
  learnedAgeOption,
  objectsOption,
  pinsOption,
  STATE_DIR,
  uplinkOption,
} from "../service_flags.ts";

/** `onehop agent`: the part that runs on every host. */
export function registerAgent(program: Command, io: Io): void {
  const command = program.command("agent").description("serve the ports of this host").helpGroup("Running:");
  command
    .addOption(new Option("--host <name>", "this host, as registered with onehop host create").default(hostname()))
    .addOption(
      new Option(
        "--controller <url>",
        `a controller, unix:/path or tls:host:port; may be repeated (default: ${AGENT_SOCKET})`,
      ).argParser(collect),
    )
    .addOption(uplinkOption())
    .addOption(stateDirOption())
    .addOption(pinsOption())
    .addOption(objectsOption())
    .addOption(learnedAgeOption())
    .action(async (flags: AgentFlags) => {
      // Not by commander, which would demand it of onehop agent join, too.
      if (!flags.uplink) throw usage("onehop agent needs --uplink.", "onehop agent --uplink eth0");
      const { runAgent, runServices } = await import("../services.ts");
      await runServices(io, async (add) => add(await runAgent(flags)));
    });
  join(command, io);
}

interface JoinFlags {
  readonly controller: string;
  readonly stateDir: string;
}

function join(parent: Command, io: Io): void {
  parent
    .command("join")
    .description("make this machine the host that it was invited as")
    .argument("<token>", "as onehop host invite printed it")
    .addOption(new Option("--controller <url>", "the API of a controller, https://host:port").makeOptionMandatory())
    .addOption(stateDirOption())
    .action(async (token: string, { controller, stateDir }: JoinFlags) => {
      if (!/^https:\/\/[^/]+\/?$/.test(controller)) throw usage(`--controller ${controller}: it is https://host:port.`);
      const { joinCluster } = await import("@onehop/agent/join/join");
      const { name, hostId } = await joinCluster({ token, controller, stateDir });
      io.out(`This machine is host ${name} (${hostId}).\n`);
    });
}

const stateDirOption = () =>
  new Option("--state-dir <dir>", "keeps the last plan and the host's certificate").default(`${STATE_DIR}/agent`);
