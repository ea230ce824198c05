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
    .addOption(new Option("--store <url>", "such as etcd:https://192.0.2.1:2379,https://…").makeOptionMandatory())
    .addOption(new Option("--name <name>", "unique among the controllers of the store").default(hostname()))
    .addOption(
      listenOption(
        `unix:/path (root's), tls:host:port or tcp:host:port (tokens); may be repeated (default: ${DEFAULT_URL})`,
      ),
    )
    .addOption(
      new Option("--agent-listen <address>", "where agents connect, unix:/path or tls:host:port").default(AGENT_SOCKET),
    )
    .addOption(new Option("--agent-address <address>", "the same as agents reach it (default: that of --agent-listen)"))
    .addOption(
      new Option("--pki <dir>", "keys and certificates of this server, as onehop init made them; for tls: and https"),
    )
    .addOption(new Option("--store-ca <file>", "authority of the store (default: store-ca.crt in --pki)"))
    .addOption(new Option("--store-cert <file>", "certificate for the store (default: store.crt in --pki)"))
    .addOption(new Option("--store-key <file>", "its key (default: store.key in --pki)"))
    .action(async (flags: ControllerFlags) => (await import("../services.ts")).runController(io, flags));
}
