import { type Kind, NOUNS, type Noun, nounOf } from "@onehop/core";
import type { Argument, Command, Option } from "commander";
import { NOUN_WORDS, nounNamed } from "../objects.ts";

/** One thing that may stand at the cursor. */
export interface Candidate {
  readonly text: string;
  readonly about: string;
}

/** Names of the objects of a noun, from the API; empty where it does not answer in time. */
export type NamesOf = (noun: Noun) => Promise<readonly string[]>;

/** What may follow: the last word is the one at the cursor, and may be empty or half written. */
export async function candidates(program: Command, words: readonly string[], names: NamesOf): Promise<Candidate[]> {
  const { command, before, rest } = walk(program, words.slice(0, -1));
  const word = words.at(-1) ?? "";
  const found = await at(command, { word, before, rest }, names);
  return found.filter((c) => c.text.startsWith(word));
}

interface Cursor {
  readonly word: string;
  /** The word before, where it is an option that takes a value. */
  readonly before: Option | undefined;
  /** Arguments so far. */
  readonly rest: readonly string[];
}

/** The command that the words name, and its arguments among them. */
function walk(program: Command, words: readonly string[]): Omit<Cursor, "word"> & { command: Command } {
  let command = program;
  let before: Option | undefined;
  const rest: string[] = [];
  for (const word of words) {
    if (before) before = undefined;
    else if (word.startsWith("-")) before = optionOf(command, word);
    else {
      const next =
        rest.length === 0 ? command.commands.find((c) => [c.name(), ...c.aliases()].includes(word)) : undefined;
      if (next) command = next;
      else rest.push(word);
    }
  }
  return { command, before, rest };
}

/** The option that a word names and whose value is the next word. */
const optionOf = (command: Command, word: string): Option | undefined =>
  command.options.find((o) => (o.long === word || o.short === word) && (o.required || o.optional));

async function at(command: Command, { word, before, rest }: Cursor, names: NamesOf): Promise<Candidate[]> {
  if (before) return valuesOf(before, names);
  if (word.startsWith("-")) return optionsOf(command);
  const argument = command.registeredArguments[Math.min(rest.length, command.registeredArguments.length - 1)];
  if (command.commands.length > 0 && rest.length === 0) return commandsOf(command);
  if (!argument || (rest.length >= command.registeredArguments.length && !argument.variadic)) return [];
  return argumentsOf(command, argument, { rest, names });
}

const commandsOf = (command: Command): Candidate[] =>
  command
    .createHelp()
    .visibleCommands(command)
    .map((c) => ({ text: c.name(), about: c.description() }));

const optionsOf = (command: Command): Candidate[] =>
  command
    .createHelp()
    .visibleOptions(command)
    .map((o) => ({ text: o.long ?? o.short ?? "", about: o.description }));

async function valuesOf(option: Option, names: NamesOf): Promise<Candidate[]> {
  if (option.argChoices) return option.argChoices.map((text) => ({ text, about: "" }));
  const noun = NOUNS.find((n) => option.long === `--${n.kind}`);
  return noun ? named(noun, names) : [];
}

const named = async (noun: Noun, names: NamesOf): Promise<Candidate[]> =>
  (await names(noun)).map((text) => ({ text, about: noun.kind }));

/** By the argument's name and its command: `vpc show <name>`, `capture <port>`, `get <kind> [names...]`, `wait <objects...>`. */
async function argumentsOf(
  command: Command,
  argument: Argument,
  { rest, names }: { rest: readonly string[]; names: NamesOf },
): Promise<Candidate[]> {
  const name = argument.name();
  if (argument.argChoices) return argument.argChoices.map((text) => ({ text, about: "" }));
  if (name === "kind") return NOUN_WORDS.map((text) => ({ text, about: "" }));
  if (name === "objects") return objects(names);
  const noun = command.name() === "create" ? undefined : nounMeant(command, name, rest);
  return noun ? named(noun, names) : [];
}

function nounMeant(command: Command, argument: string, rest: readonly string[]): Noun | undefined {
  const direct = NOUNS.find((n) => n.kind === argument);
  if (direct) return direct;
  if (argument !== "name" && argument !== "names") return undefined;
  return nounNamed(command.parent?.name() ?? "") ?? nounNamed(rest[0] ?? "");
}

async function objects(names: NamesOf): Promise<Candidate[]> {
  const kinds: readonly Kind[] = NOUNS.map((n) => n.kind);
  const all = await Promise.all(kinds.map((kind) => names(nounOf(kind))));
  return kinds.flatMap((kind, i) => all[i]!.map((name) => ({ text: `${kind}/${name}`, about: "" })));
}
