import { hostname } from "node:os";
import { type Command, Option } from "commander";
import type { Io } from "../io.ts";
import { listenOption, objectsOption, pinsOption, STATE_DIR, type UpFlags, uplinkOption } from "../service_flags.ts";

const RUN_DIR = "/run/onehop";

/** A host's name in the API is in lower case and without domain. */
const hostName = (): string => hostname().toLowerCase().split(".")[0]!;

/** `onehop up`: everything on this machine, in one process and a private etcd. */
export function registerUp(program: Command, io: Io): void {
  program
    .command("up")
    .description("run the whole system on this machine, with a private store, until Ctrl-C")
    .helpGroup("Running:")
    .addOption(uplinkOption().default(undefined, "the default route's"))
    .addOption(new Option("--tunnel-address <address>", "of this host's tunnels (default: the first uplink's)"))
    .addOption(new Option("--host <name>", "this host's name; registered if it is new").default(hostName()))
    .addOption(new Option("--data-dir <dir>", "store and last plan").default(STATE_DIR))
    .addOption(new Option("--run-dir <dir>", "sockets of the API and for the agent").default(RUN_DIR))
    .addOption(listenOption(`serve the API there as well, such as tcp:127.0.0.1:8080`))
    .addOption(pinsOption())
    .addOption(objectsOption())
    .action(async (flags: UpFlags) => (await import("../services.ts")).runUp(io, flags));
}
