import { Command, CommanderError } from "commander";
import { registerAgent } from "./commands/agent.ts";
import { registerCa } from "./commands/ca.ts";
import { registerCapture } from "./commands/capture.ts";
import { registerCompletion } from "./commands/completion.ts";
import { registerController } from "./commands/controller.ts";
import { registerDiff } from "./commands/diff.ts";
import { registerDrops } from "./commands/drops.ts";
import { registerFiles } from "./commands/files.ts";
import { registerGet } from "./commands/get.ts";
import { registerHistory } from "./commands/history.ts";
import { registerHost } from "./commands/host.ts";
import { registerHostJoining } from "./commands/host_joining.ts";
import { registerLearned } from "./commands/learned.ts";
import { registerNouns } from "./commands/nouns.ts";
import { registerPort } from "./commands/port.ts";
import { registerStore } from "./commands/store.ts";
import { registerToken } from "./commands/token.ts";
import { registerTop } from "./commands/top.ts";
import { registerTrace } from "./commands/trace.ts";
import { registerTrust } from "./commands/trust.ts";
import { registerUp } from "./commands/up.ts";
import { registerVersion } from "./commands/version.ts";
import { EXIT, Exit, exitCodeOf, explain } from "./exit.ts";
import type { Io } from "./io.ts";
import { VERSION } from "./version.ts";

const CODES = `
Names are looked up under their owners: onehop network show prod/front, or --vpc prod.
Exit codes: 0 done, 1 failed, 2 wrong input, 3 not found, 4 conflict, 5 denied, 6 unreachable, 7 timed out.
Environment: ONEHOP_URL, ONEHOP_CA, ONEHOP_TOKEN, ONEHOP_PROJECT, NO_COLOR.`;

/** Every command. `lab` says whether the lab's own commands are wanted: only then is the lab loaded. */
export async function createProgram(io: Io, lab: "lab" | "no lab"): Promise<Command> {
  const program = new Command("onehop")
    .description("Networks of their own for the tenants of a private cloud, one logical hop between any two ports.")
    .version(VERSION, "-V, --version", "the version of this command")
    .addHelpText("after", CODES)
    .configureOutput({ writeOut: io.out, writeErr: io.err })
    .configureHelp({ sortSubcommands: false })
    .enablePositionalOptions()
    .exitOverride();
  const nouns = registerNouns(program, io);
  registerPort(nouns.get("port")!, io);
  registerHost(nouns.get("host")!, io);
  registerHostJoining(nouns.get("host")!, io);
  registerTrust(nouns.get("host")!, io);
  registerFiles(program, io);
  registerDiff(program, io);
  registerHistory(program, nouns.get("vpc")!, io);
  registerGet(program, io);
  registerTrace(program, io);
  registerDrops(program, io);
  registerTop(program, io);
  registerLearned(program, nouns.get("vpc")!, io);
  registerCapture(program, io);
  registerUp(program, io);
  registerController(program, io);
  registerAgent(program, io);
  registerCa(program, io);
  program.commandsGroup("Running:");
  if (lab === "lab") (await import("@onehop/lab/cli")).registerLabCommands(program);
  else program.command("lab").description("a data centre of network namespaces on this machine");
  registerToken(program, io);
  registerStore(program, io);
  registerVersion(program, io);
  registerCompletion(program, io);
  const help = program.createCommand("help").argument("[command]").description("help for a command");
  program.addHelpCommand(help.helpGroup("Administration:"));
  inherit(program);
  return program;
}

/** Commander hands a setting down to commands made afterwards only; the lab makes its own. */
function inherit(command: Command): void {
  for (const child of command.commands) {
    child.copyInheritedSettings(command);
    inherit(child);
  }
}

/** `lab exec web-1 -- ping`: commander hands the two dashes on to a command that takes its options as they come. */
export function withoutDashes(argv: readonly string[]): string[] {
  const at = argv[0] === "lab" && argv[1] === "exec" ? argv.indexOf("--") : -1;
  return argv.filter((_, i) => i !== at);
}

/** Runs one command line (without the program's name) and answers the exit code. */
export async function run(argv: readonly string[], io: Io): Promise<number> {
  try {
    const program = await createProgram(
      io,
      argv[0] === "lab" || argv[1] === "lab" || (argv[0] === "__complete" && argv[2] === "lab") ? "lab" : "no lab",
    );
    await program.parseAsync(withoutDashes(argv), { from: "user" });
    return EXIT.ok;
  } catch (error) {
    if (error instanceof Exit) return error.code;
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    io.err(explain(error));
    return exitCodeOf(error);
  }
}
