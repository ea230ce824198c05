import { hostname } from "node:os";
import { type Command, Option } from "commander";
import { DEFAULT_URL, type Io } from "../io.ts";
import { AGENT_SOCKET, type ControllerFlags, listenOption } from "../service_flags.ts";

/** `onehop controller`: API, plans and status over a store; several may share one. */
export function registerController(program: Command, io: Io): void {
  program
    .command("controller")
    .description("serve the API and the agents over a store")
    .helpGroup("Running:")
    .addOption(new Option("--store <url>", "such as etcd:http://192.0.2.1:2379,http://…").makeOptionMandatory())
    .addOption(new Option("--name <name>", "unique among the controllers of the store").default(hostname()))
    .addOption(listenOption(`unix:/path (root's) or tcp:host:port (tokens); may be repeated (default: ${DEFAULT_URL})`))
    .addOption(new Option("--agent-listen <address>", "where agents connect").default(AGENT_SOCKET))
    .action(async (flags: ControllerFlags) => (await import("../services.ts")).runController(io, flags));
}
