import { type Noun, nounOf } from "@onehop/core";
import { Argument, type Command } from "commander";
import { candidates } from "../completion/candidates.ts";
import { SCRIPTS, SHELLS, type Shell } from "../completion/scripts.ts";
import type { Io } from "../io.ts";
import { listThings } from "../objects.ts";
import { cell } from "../output/cell.ts";
import { openSession } from "../session.ts";

/** Milliseconds that names from the API may take: nobody waits longer for a Tab. */
const PATIENCE_MS = 1000;

const HOW = `
To have it in this shell, and in those to come:
  bash:  source <(onehop completion bash)     in ~/.bashrc
  zsh:   source <(onehop completion zsh)      in ~/.zshrc, after compinit
  fish:  onehop completion fish > ~/.config/fish/completions/onehop.fish`;

/** `onehop completion`, and what its scripts ask at every Tab. */
export function registerCompletion(program: Command, io: Io): void {
  program
    .command("completion")
    .description("a script that completes commands, options and names in your shell")
    .addArgument(new Argument("<shell>").choices(SHELLS))
    .addHelpText("after", HOW)
    .action((shell: Shell) => io.out(SCRIPTS[shell]));
  program
    .command("__complete", { hidden: true })
    .argument("[words...]")
    .action(async (words: string[]) => {
      for (const { text, about } of await candidates(program, words, (noun) => namesOf(io, noun)))
        io.out(`${text}\t${cell(about)}\n`);
    });
}

/** Whatever goes wrong, a Tab says nothing. */
async function namesOf(io: Io, noun: Noun): Promise<readonly string[]> {
  const late = io.pause(PATIENCE_MS).then(() => []);
  return Promise.race([ask(io, noun).catch(() => []), late]);
}

async function ask(io: Io, noun: Noun): Promise<string[]> {
  const { api, scope } = await openSession(io, {});
  const project = noun.fields.project_id && scope.project;
  const [owner] = project ? await listThings(api, nounOf("project"), { name: project }) : [];
  const things = await listThings(api, noun, owner ? { project_id: owner.id } : {});
  return [...new Set(things.map((t) => t.name))].sort();
}
