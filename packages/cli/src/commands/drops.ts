import { type Drop, type DropList, nounOf, type Silent } from "@onehop/core";
import { type Command, Option } from "commander";
import type { Io } from "../io.ts";
import { findId } from "../objects.ts";
import { cell } from "../output/cell.ts";
import { printData } from "../output/print.ts";
import { table } from "../output/table.ts";
import { type CommonOptions, openSession, type Session, withOutput } from "../session.ts";

export interface LookOptions extends CommonOptions {
  readonly project?: string;
  readonly vpc?: string;
  readonly port?: string;
  readonly host?: string;
}

const KINDS = ["project", "vpc", "port", "host"] as const;

export function addLookOptions(command: Command): Command {
  for (const kind of KINDS) command.addOption(new Option(`--${kind} <${kind}>`, `only of this ${kind}`));
  return withOutput(command);
}

/** Filters as the API takes them: names become ids. */
export async function lookQuery(session: Session, options: LookOptions): Promise<Record<string, string>> {
  const query: Record<string, string> = {};
  const project = options.project ?? session.scope.project;
  const scope = { ...(project ? { project } : {}), ...(options.vpc ? { vpc: options.vpc } : {}) };
  for (const kind of KINDS) {
    const ref = kind === "project" ? project : options[kind];
    if (ref !== undefined) query[`${kind}_id`] = await findId(session.api, nounOf(kind), ref, scope);
  }
  return query;
}

/** `onehop drops`: who, why, since when, and what to change. */
export function registerDrops(program: Command, io: Io): void {
  const command = program.command("drops").description("what is dropped: whose, why, since when, and what to change");
  addLookOptions(command.helpGroup("Seeing:")).action(async (options: LookOptions) => {
    const session = await openSession(io, options);
    const query = new URLSearchParams(await lookQuery(session, options));
    const list = (await session.api.request("GET", `/v1/drops?${query}`)).body as DropList;
    if (await printData(io, options.output, list)) return;
    if (list.items.length === 0) io.err("Nothing was dropped.\n");
    else io.out(dropsText(list.items, options));
    tellSilent(io, list.silent);
  });
}

export function tellSilent(io: Io, silent: readonly Silent[]): void {
  for (const { host, why } of silent) io.err(`Host ${host.name} is not counted. ${cell(why)}\n`);
}

const HEADER = ["port", "host", "reason", "packets", "since", "last", "example"];

function dropsText(items: readonly Drop[], options: LookOptions): string {
  const rows = items.map((d) => [
    d.port?.name ?? "-",
    d.host.name,
    d.reason,
    String(d.packets),
    `${d.since_before ? "before " : ""}${time(d.since)}`,
    time(d.last),
    cell(d.example),
  ]);
  const reasons = new Map(items.map((d) => [d.reason, d]));
  const words = [...reasons.values()].map((d) => `${d.reason}: ${cell(d.title)} ${cell(d.hint)}\n`);
  return `${table(options.headers === false ? undefined : HEADER, rows)}\n${words.join("")}`;
}

/** To the second. */
const time = (text: string): string => text.replace(/\.\d+Z$/, "Z");
