import { type LearnedList, NOUNS, type Noun, nounOf, OnehopError, type Ways } from "@onehop/core";
import { type Command, Option } from "commander";
import type { Thing } from "../api.ts";
import { collect } from "../collect.ts";
import { examplesOf } from "../examples.ts";
import { usage } from "../exit.ts";
import { addFieldOption, addScopeOption, bodyOf, createFlags, scopeFlags, scopeOf, updateFlags } from "../fields.ts";
import type { Io } from "../io.ts";
import { findId, findThing, listThings, pathOf, type Query } from "../objects.ts";
import { EventPrinter } from "../output/events.ts";
import { printThing, printThings } from "../output/print.ts";
import { parseLabels, splitPair } from "../schema_text.ts";
import { type CommonOptions, openSession, type Session, withConnection, withOutput } from "../session.ts";
import { addWaitOptions, type WaitOptions, waitFor, waitOf } from "../wait.ts";
import { type Told, watchThings } from "../watch.ts";
import { ratioText } from "./learned.ts";
import { tellBars } from "./trust.ts";

type Options = CommonOptions & WaitOptions & Readonly<Record<string, unknown>>;

/** `onehop <noun> create|list|show|update|delete`, all from the noun's one description. Returns each noun's command. */
export function registerNouns(program: Command, io: Io): Map<string, Command> {
  const commands = new Map<string, Command>();
  for (const noun of NOUNS) {
    const command = program.command(noun.kind).description(noun.doc).helpGroup("Objects:");
    for (const register of [create, list, show, update, remove]) register(command, noun, io);
    commands.set(noun.kind, command);
  }
  return commands;
}

function create(parent: Command, noun: Noun, io: Io): void {
  const flags = createFlags(noun);
  const command = parent.command("create").description(`create a ${noun.kind}`).argument("<name>", "its name");
  for (const flag of flags) addFieldOption(command, flag);
  for (const flag of scopeFlags(noun).filter((s) => !flags.some((f) => f.flag === s.flag)))
    addScopeOption(command, flag, "owner");
  command
    .addOption(new Option("--label <key=value>", "a label; may be repeated").argParser(collect))
    .addOption(new Option("--id <uuid>", "its id, chosen by you so that a retry creates nothing twice"))
    .addHelpText("after", `\nExample:\n  ${examplesOf(noun).create}`);
  withOutput(addWaitOptions(command)).action(async (name: string, options: Options) => {
    const session = await openSession(io, options);
    const body = await createBody(session, noun, name, options);
    const created = (await session.api.request("POST", `/v1/${noun.plural}`, body)).body as Thing;
    const limit = waitOf(options);
    const thing = limit === undefined ? created : await waitFor(session, noun, created, limit);
    if (options.output || options.quiet) return printThing(session.printer, noun, thing);
    io.out(`${noun.kind}/${thing.name} created\n`);
  });
}

async function createBody(
  session: Awaited<ReturnType<typeof openSession>>,
  noun: Noun,
  name: string,
  options: Options,
) {
  const flags = createFlags(noun);
  const scope = scopeOf(noun, options, session.scope);
  const body: Record<string, unknown> = { name, ...(await bodyOf(session.api, flags, options, scope)) };
  if (body.project_id === undefined && noun.fields.project_id?.mode === "required" && scope.project)
    body.project_id = await findId(session.api, nounOf("project"), scope.project);
  const missing = flags.filter((f) => f.definition.mode === "required" && body[f.field] === undefined);
  if (missing.length)
    throw usage(
      `onehop ${noun.kind} create needs ${missing.map((f) => `--${f.flag}`).join(", ")}.`,
      examplesOf(noun).create,
    );
  if (options.label) body.labels = parseLabels(options.label as string[]);
  if (options.id) body.id = options.id;
  return body;
}

function list(parent: Command, noun: Noun, io: Io): void {
  const command = parent.command("list").alias("ls").description(`list ${noun.plural}`);
  for (const flag of scopeFlags(noun)) addScopeOption(command, flag, "filter");
  command
    .addOption(new Option("--label <key=value>", "only those with this label; may be repeated").argParser(collect))
    .addOption(new Option("--filter <field=value>", "only those with this value; may be repeated").argParser(collect));
  withOutput(addWatchOption(command)).action((options: Options) => listAction(io, noun, options));
}

export const addWatchOption = (command: Command): Command =>
  command.addOption(
    new Option("-w, --watch", "go on showing what becomes of them until Ctrl-C; JSON comes a line each"),
  );

export async function listAction(io: Io, noun: Noun, options: Options): Promise<void> {
  const session = await openSession(io, options);
  const scope = scopeOf(noun, options, session.scope);
  const query: Record<string, Query[string]> = {};
  for (const { field, flag, definition } of scopeFlags(noun)) {
    const kind = definition.ref ?? (flag as Noun["kind"]);
    if (scope[kind] !== undefined) query[field] = await findId(session.api, nounOf(kind), scope[kind], scope);
  }
  for (const text of (options.filter as string[] | undefined) ?? []) {
    const [field, value] = splitPair("--filter", text);
    query[field] = value;
  }
  const labels = (options.label as string[] | undefined) ?? [];
  for (const text of labels) splitPair("--label", text);
  if (labels.length) query.label = labels;
  if (options.watch) return watch(session, noun, query);
  const things = await listThings(session.api, noun, query);
  await printThings(session.printer, noun, things.sort(byName));
}

async function watch(session: Session, noun: Noun, query: Query): Promise<void> {
  const printer = new EventPrinter(session.printer, noun);
  const show = (told: readonly Told[]) => printer.print([...told].sort((a, b) => byName(a.object, b.object)));
  await watchThings(session, { noun, query, signal: session.io.untilStopped(), show });
}

/** The API's order is that of ids, which says nothing to people; `web-2` comes before `web-10`. */
const byName = (a: Thing, b: Thing): number => a.name.localeCompare(b.name, "en", { numeric: true });

function show(parent: Command, noun: Noun, io: Io): void {
  const command = parent.command("show").description(`show one ${noun.kind}, its status included`);
  target(command, noun);
  withOutput(command).action(async (ref: string, options: Options) => {
    const session = await openSession(io, options);
    const thing = await findThing(session.api, noun, ref, scopeOf(noun, options, session.scope));
    const ways = noun.kind === "vpc" && !options.quiet ? await waysOf(session, thing.id) : undefined;
    // Measured, not part of the object.
    const { vpc: _, ...one_hop } = ways ?? {};
    await printThing(session.printer, noun, ways && options.output ? { ...thing, one_hop } : thing);
    if (options.output || options.quiet) return;
    if (ways) io.err(`One hop: ${ratioText(ways)}.\n`);
    if (noun.kind === "host") await tellBars(session, thing.id);
  });
}

/** A host that does not answer is not counted; undefined: the VPC learns nowhere. */
async function waysOf({ api }: Session, vpcId: string): Promise<Ways | undefined> {
  const { ways } = (await api.request("GET", `/v1/learned?vpc_id=${vpcId}`)).body as LearnedList;
  return ways.find((way) => way.vpc.id === vpcId);
}

function update(parent: Command, noun: Noun, io: Io): void {
  const flags = updateFlags(noun);
  const command = parent.command("update").description(`change a ${noun.kind}; what is not named stays as it is`);
  command.argument("<name>", "its name or id, or a name behind its owners', such as shop/prod");
  for (const flag of flags) addFieldOption(command, flag);
  for (const flag of scopeFlags(noun).filter((s) => !flags.some((f) => f.flag === s.flag)))
    addScopeOption(command, flag, "owner");
  command
    .addOption(new Option("--name <text>", "a new name"))
    .addOption(new Option("--label <key=value>", "a label; key= removes it; may be repeated").argParser(collect))
    .addOption(new Option("--unset <field>", "make an optional field empty; may be repeated").argParser(collect))
    .addOption(new Option("--revision <n>", "refuse if the object is no longer at this revision"));
  withOutput(addWaitOptions(command)).action(async (ref: string, options: Options) => {
    const session = await openSession(io, options);
    const scope = scopeOf(noun, without(options, flags), session.scope);
    const found = await findThing(session.api, noun, ref, scope);
    const patch = { ...(await bodyOf(session.api, flags, options, scope)), ...patchExtras(noun, options) };
    if (Object.keys(patch).length === 0)
      throw usage("Nothing to change was named.", `onehop ${noun.kind} update --help`);
    const revision = (options.revision as string | undefined) ?? String(found.revision);
    const headers = { "if-match": `"${revision}"` };
    const answer = await session.api.request("PATCH", pathOf(noun, found.id), patch, headers);
    const limit = waitOf(options);
    const changed = answer.body as Thing;
    const thing = limit === undefined ? changed : await waitFor(session, noun, changed, limit);
    if (options.output || options.quiet) return printThing(session.printer, noun, thing);
    io.out(`${noun.kind}/${thing.name} updated\n`);
  });
}

/** A flag that changes a field does not narrow the search for the object: `port update p --host h2`. */
const without = (options: Options, flags: readonly { flag: string }[]): Options =>
  Object.fromEntries(Object.entries(options).filter(([k]) => !flags.some((f) => f.flag === k)));

function patchExtras(noun: Noun, options: Options): Record<string, unknown> {
  const patch: Record<string, unknown> = {};
  if (options.name !== undefined) patch.name = options.name;
  if (options.label) {
    const labels = Object.entries(parseLabels(options.label as string[]));
    patch.labels = Object.fromEntries(labels.map(([k, v]) => [k, v === "" ? null : v]));
  }
  for (const word of (options.unset as string[] | undefined) ?? []) {
    const flag = updateFlags(noun).find((f) => f.flag === word || f.field === word);
    if (flag?.definition.mode !== "optional") throw usage(`${noun.kind} has no optional field ${word}.`);
    patch[flag.field] = null;
  }
  return patch;
}

function remove(parent: Command, noun: Noun, io: Io): void {
  const command = parent.command("delete").alias("rm").description(`delete ${noun.plural}`);
  command.argument("<names...>", "names or ids");
  for (const flag of scopeFlags(noun)) addScopeOption(command, flag, "owner");
  command.addOption(new Option("--if-exists", "one that is gone already is no error"));
  withConnection(command).action(async (refs: string[], options: Options) => {
    const session = await openSession(io, options);
    const scope = scopeOf(noun, options, session.scope);
    for (const ref of refs) await removeOne(session, noun, { ref, scope, options });
  });
}

async function removeOne(
  session: Awaited<ReturnType<typeof openSession>>,
  noun: Noun,
  which: { ref: string; scope: ReturnType<typeof scopeOf>; options: Options },
): Promise<void> {
  try {
    const thing = await findThing(session.api, noun, which.ref, which.scope);
    await session.api.request("DELETE", pathOf(noun, thing.id));
    session.io.out(`${noun.kind}/${thing.name} deleted\n`);
  } catch (error) {
    const gone = error instanceof OnehopError && error.code === "not_found";
    if (!gone || !which.options.ifExists) throw error;
    session.io.err(`${noun.kind}/${which.ref} was not there\n`);
  }
}

function target(command: Command, noun: Noun): void {
  command.argument("<name>", "its name or id, or a name behind its owners', such as shop/prod");
  for (const flag of scopeFlags(noun)) addScopeOption(command, flag, "owner");
}
