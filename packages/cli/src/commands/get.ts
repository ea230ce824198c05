import { type Command, Option } from "commander";
import { usage } from "../exit.ts";
import type { Io } from "../io.ts";
import { findThing, NOUN_WORDS, nounNamed } from "../objects.ts";
import { printThings } from "../output/print.ts";
import { parseDuration } from "../schema_text.ts";
import { type CommonOptions, openSession, withConnection, withOutput } from "../session.ts";
import { didYouMean } from "../suggest.ts";
import { addTimeoutOption, DEFAULT_WAIT, type WaitOptions } from "../wait.ts";
import { waitForAll } from "./files.ts";
import { addWatchOption, listAction } from "./nouns.ts";

type GetOptions = CommonOptions & { readonly watch?: boolean };

/** `onehop get <kind>` and `onehop wait <kind>/<name>...`. */
export function registerGet(program: Command, io: Io): void {
  const get = program.command("get").description("list objects of a kind, or those named").helpGroup("Files:");
  get.argument("<kind>", "such as vpc or ports").argument("[names...]", "names or ids");
  withOutput(addWatchOption(get)).action(async (word: string, names: string[], options: GetOptions) => {
    const noun = kindOf(word);
    if (options.watch && names.length > 0)
      throw usage("--watch is for lists.", `onehop ${noun.kind} list -w --filter name=${names[0]}`);
    if (names.length === 0) return listAction(io, noun, options as Parameters<typeof listAction>[2]);
    const session = await openSession(io, options);
    const things = await Promise.all(names.map((n) => findThing(session.api, noun, n, session.scope)));
    await printThings(session.printer, noun, things);
  });

  const wait = program.command("wait").description("wait until the hosts have what was asked for").helpGroup("Files:");
  wait
    .argument("<objects...>", "kind/name or kind/id, such as vpc/prod port/web-1 port/front/web-1")
    .addOption(new Option("--for <state>", "what to wait for").choices(["realised"]).default("realised"))
    .addOption(new Option("--project <project>", "only those of this project (ONEHOP_PROJECT)"));
  const action = async (words: string[], options: CommonOptions & WaitOptions & { project?: string }) => {
    const session = await openSession(io, options);
    const scope = options.project ? { project: options.project } : session.scope;
    const objects = [];
    for (const word of words) {
      const { noun, ref } = kindAndName(word);
      const { id, name } = await findThing(session.api, noun, ref, scope);
      objects.push({ kind: noun.kind, id, name });
    }
    await waitForAll(session, objects, parseDuration(options.timeout ?? DEFAULT_WAIT));
    for (const { kind, name } of objects) io.out(`${kind}/${name} realised\n`);
  };
  withConnection(addTimeoutOption(wait)).action(action);
}

function kindOf(word: string) {
  const noun = nounNamed(word);
  if (!noun) throw usage(`There is no kind ${JSON.stringify(word.slice(0, 60))}.`, didYouMean(word, NOUN_WORDS));
  return noun;
}

function kindAndName(word: string) {
  const cut = word.indexOf("/");
  if (cut < 1) throw usage(`${JSON.stringify(word.slice(0, 60))} is not kind/name.`, "onehop wait vpc/prod port/web-1");
  return { noun: kindOf(word.slice(0, cut)), ref: word.slice(cut + 1) };
}
