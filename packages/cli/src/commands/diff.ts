import type { Command } from "commander";
import { EXIT, Exit, exitCodeOf, explain } from "../exit.ts";
import type { Io } from "../io.ts";
import { patch } from "../output/patch.ts";
import { openSession } from "../session.ts";
import { type FileOptions, fileOptions } from "./files.ts";

/** As diff(1). */
const DIFFERS = 1;

const CODES = `
Shown is what applying the file would change: fields that it does not name stay as they are.
Exit codes: 0 nothing would change, 1 something would, more than 1 it could not be found out.`;

/** `onehop diff -f`. */
export function registerDiff(program: Command, io: Io): void {
  const diff = program.command("diff").description("show what applying files would change").helpGroup("Files:");
  fileOptions(diff)
    .addHelpText("after", CODES)
    .action(async (options: FileOptions) => {
      try {
        if (await printDiff(io, options)) throw new Exit(DIFFERS);
      } catch (error) {
        if (error instanceof Exit || exitCodeOf(error) > DIFFERS) throw error;
        io.err(explain(error));
        throw new Exit(EXIT.usage);
      }
    });
}

/** Whether anything differs. */
async function printDiff(io: Io, options: FileOptions): Promise<boolean> {
  const { diffDocuments } = await import("../diff.ts");
  const { api, printer, scope } = await openSession(io, options);
  let differs = false;
  for (const file of options.filename)
    for (const { title, before, after, problem } of await diffDocuments(
      api,
      await io.readFile(file),
      options.project ?? scope.project,
    )) {
      differs = true;
      io.out(patch(title, before, after, printer.paint));
      if (problem) io.err(`${title}: ${problem}; applying would be refused.\n`);
    }
  return differs;
}
