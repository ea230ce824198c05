import { nounOf } from "@onehop/core";
import { type Command, Option } from "commander";
import { usage } from "../exit.ts";
import { addScopeOption, scopeFlags, scopeOf } from "../fields.ts";
import type { Io } from "../io.ts";
import { findId, pathOf } from "../objects.ts";
import { cell } from "../output/cell.ts";
import { printData } from "../output/print.ts";
import { table } from "../output/table.ts";
import { type CommonOptions, openSession, type Session, withOutput } from "../session.ts";
import { addWaitOptions, type WaitOptions, waitFor, waitOf } from "../wait.ts";

const vpc = nounOf("vpc");
const WHICH = "its name or id; a deleted one goes by its id";

type Options = CommonOptions & Readonly<Record<string, unknown>>;
type Fields = Readonly<Record<string, unknown>>;

interface Change {
  readonly at: string;
  readonly who: string;
  readonly action: string;
  readonly kind: string;
  readonly name: string;
  readonly before?: Fields;
  readonly after?: Fields;
}
interface Page {
  readonly items: readonly { readonly revision: number; readonly changes: readonly Change[] }[];
  readonly oldest_revision?: number;
  readonly next_page_token?: string;
}

/** `onehop vpc history` and `onehop rollback`. */
export function registerHistory(program: Command, vpcCommand: Command, io: Io): void {
  const history = vpcCommand.command("history").description("who changed what in a VPC, newest first");
  withVpc(history).addOption(new Option("--limit <n>", "show so many revisions").default("20"));
  withOutput(history).action((ref: string, options: Options) => showHistory(io, ref, options));

  const rollback = program
    .command("rollback")
    .description("bring a VPC and all in it back to what it was at a revision")
    .helpGroup("Files:")
    .addHelpText("after", ROLLBACK);
  withVpc(rollback)
    .addOption(new Option("--to <revision>", "one that onehop vpc history shows").makeOptionMandatory())
    .addOption(new Option("--dry-run", "tell what would be done, and do nothing"));
  withOutput(addWaitOptions(rollback)).action((ref: string, options: Options & WaitOptions) =>
    rollBack(io, ref, options),
  );
}

const ROLLBACK = `
All that the VPC's networks, ports and routes were is brought back, ids, addresses, MACs and VNIs included; all of it, or
nothing where something stands in the way. A rollback is a change like any other: it can be rolled back.

Example:
  onehop vpc history prod
  onehop rollback prod --to 117 --dry-run
  onehop rollback prod --to 117`;

function withVpc(command: Command): Command {
  command.argument("<vpc>", WHICH);
  for (const flag of scopeFlags(vpc)) addScopeOption(command, flag, "owner");
  return command;
}

const vpcId = (session: Session, ref: string, options: Options): Promise<string> =>
  findId(session.api, vpc, ref, scopeOf(vpc, options, session.scope));

async function showHistory(io: Io, ref: string, options: Options): Promise<void> {
  const limit = countOf("--limit", options.limit);
  const session = await openSession(io, options);
  const path = `${pathOf(vpc, await vpcId(session, ref, options))}/history`;
  const items: Page["items"][number][] = [];
  let page: Page | undefined;
  do {
    const token = page?.next_page_token ? `&page_token=${encodeURIComponent(page.next_page_token)}` : "";
    const size = Math.min(1000, limit - items.length);
    page = (await session.api.request("GET", `${path}?limit=${size}${token}`)).body as Page;
    items.push(...page.items);
  } while (page.next_page_token && items.length < limit);
  if (options.quiet) for (const { revision } of items) io.out(`${revision}\n`);
  else if (!(await printData(io, options.output, items))) printHistory(session, items);
  if (page.next_page_token && !options.quiet) io.err(`There is more: --limit ${limit * 2}.\n`);
}

function countOf(flag: string, value: unknown): number {
  const text = String(value);
  if (/^[1-9]\d{0,14}$/.test(text)) return Number(text);
  throw usage(`${flag} ${JSON.stringify(text.slice(0, 20))} is not a number from 1 on.`);
}

function printHistory({ io, printer }: Session, items: Page["items"]): void {
  const rows = items.flatMap(({ revision, changes }) =>
    changes.map((c) => [String(revision), c.at, c.who, c.action, `${c.kind}/${cell(c.name)}`, differenceOf(c)]),
  );
  const header = ["revision", "at", "who", "action", "object", "changed"];
  io.out(table(printer.options.headers === false ? undefined : header, rows));
}

function differenceOf({ before, after }: Change): string {
  if (!before || !after) return "-";
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].filter((n) => n !== "updated_at");
  const changed = names.filter((n) => JSON.stringify(before[n]) !== JSON.stringify(after[n]));
  return changed.map((n) => `${n}: ${cell(before[n])} → ${cell(after[n])}`).join("; ") || "-";
}

interface RolledBack {
  readonly to_revision: number;
  readonly revision?: number;
  readonly at_once: boolean;
  readonly changes: readonly {
    readonly action: keyof typeof WORDS;
    readonly kind: string;
    readonly name: string;
    readonly fields?: Readonly<Record<string, { readonly from: unknown; readonly to: unknown }>>;
    readonly kept?: readonly string[];
  }[];
}

const WORDS = {
  create: ["created", "would be created"],
  update: ["updated", "would be updated"],
  delete: ["deleted", "would be deleted"],
  keep: ["left as it is", "would be left as it is"],
} as const;

async function rollBack(io: Io, ref: string, options: Options & WaitOptions): Promise<void> {
  const to_revision = countOf("--to", options.to);
  const dry_run = options.dryRun === true;
  const session = await openSession(io, options);
  const id = await vpcId(session, ref, options);
  const body = { to_revision, ...(dry_run ? { dry_run } : {}) };
  const done = (await session.api.request("POST", `${pathOf(vpc, id)}/rollback`, body)).body as RolledBack;
  const limit = waitOf(options);
  if (limit !== undefined && !dry_run) await waitFor(session, vpc, { id, name: ref }, limit);
  if (options.quiet || (await printData(io, options.output, done))) return;
  for (const change of done.changes) io.out(`${lineOf(change, dry_run)}\n`);
  io.err(`${closing(ref, done, dry_run)}\n`);
}

function lineOf({ action, kind, name, fields = {}, kept }: RolledBack["changes"][number], dry: boolean): string {
  const changes = Object.entries(fields).map(([f, { from, to }]) => `${f}: ${cell(from)} → ${cell(to)}`);
  const rest = kept ? ` (${kept.join(", ")} may only be set by an admin)` : "";
  return `${kind}/${name} ${WORDS[action][dry ? 1 : 0]}${changes.length ? `: ${changes.join("; ")}` : ""}${rest}`;
}

function closing(ref: string, { to_revision: to, revision, changes, at_once }: RolledBack, dry: boolean): string {
  if (changes.length === 0) return `vpc/${ref} is as it was at revision ${to}; there is nothing to do.`;
  const parts = at_once ? "" : " It is too large for one transaction: it is checked as a whole, then done in several.";
  if (dry) return `Nothing was done.${parts}`;
  // A rollback in several transactions is undone by a revision from before the first of them.
  const undo = at_once && revision !== undefined ? ` To undo: onehop rollback ${ref} --to ${revision - 1}` : "";
  return `vpc/${ref} is as it was at revision ${to}.${undo}`;
}
