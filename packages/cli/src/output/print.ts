import type { Noun } from "@onehop/core";
import type { Api, Thing } from "../api.ts";
import type { Io } from "../io.ts";
import { loadNames, type NameOf } from "../names.ts";
import { refOf } from "../objects.ts";
import { cell } from "./cell.ts";
import { type Paint, paintState } from "./colour.ts";
import { table } from "./table.ts";

export const FORMATS = ["table", "wide", "json", "yaml", "name"] as const;
export type Format = (typeof FORMATS)[number];

export interface OutputOptions {
  readonly output?: Format;
  /** Commander's name for --no-headers: false where it was given. */
  readonly headers?: boolean;
  readonly quiet?: boolean;
}

/** Any value as JSON or YAML; true where the format was one of the two. */
export async function printData(io: Io, format: Format | undefined, value: unknown): Promise<boolean> {
  if (format === "json") io.out(`${JSON.stringify(value, null, 2)}\n`);
  else if (format === "yaml") io.out((await import("./yaml.ts")).stringify(value));
  else return false;
  return true;
}

export interface Printer {
  readonly io: Io;
  readonly api: Api;
  readonly paint: Paint;
  readonly options: OutputOptions;
}

export async function printThings(p: Printer, noun: Noun, things: readonly Thing[]): Promise<void> {
  if (printedShort(p, noun, things)) return;
  if (await printData(p.io, p.options.output, things)) return;
  const columns = columnsOf(p, noun);
  const names = await loadNames(p.api, noun, columns, things);
  const rows = things.map((thing) => cellsOf(p, noun, columns, { thing, names }));
  if (things.length === 0) p.io.err(`No ${noun.plural}.\n`);
  else p.io.out(table(p.options.headers === false ? undefined : columns.map(heading), rows));
}

export const columnsOf = (p: Printer, noun: Noun): string[] =>
  p.options.output === "wide" ? wideColumns(noun) : [...noun.columns];

export const cellsOf = (
  p: Printer,
  noun: Noun,
  columns: readonly string[],
  at: { thing: Thing; names: NameOf },
): string[] => columns.map((c) => columnCell(p, noun, c, at));

/** One object: field by field for people. */
export async function printThing(p: Printer, noun: Noun, thing: Thing): Promise<void> {
  if (printedShort(p, noun, [thing])) return;
  if (await printData(p.io, p.options.output, thing)) return;
  const fields = ["name", "id", ...Object.keys(noun.fields), "labels", "revision", "created_at", "updated_at"];
  const names = await loadNames(p.api, noun, fields, [thing]);
  const rows = fields
    .filter((f) => thing[f] !== undefined)
    .map((f) => [heading(f), f === "id" ? thing.id : columnCell(p, noun, f, { thing, names })]);
  rows.push(["status", columnCell(p, noun, "status", { thing, names })]);
  if (thing.status?.reason) rows.push(["reason", cell(thing.status.reason)]);
  p.io.out(table(undefined, rows));
}

function printedShort(p: Printer, noun: Noun, things: readonly Thing[]): boolean {
  if (!p.options.quiet && p.options.output !== "name") return false;
  for (const t of things) p.io.out(p.options.quiet ? `${t.id}\n` : `${noun.kind}/${t.name}\n`);
  return true;
}

const wideColumns = (noun: Noun): string[] => {
  const fields = [...noun.columns.filter((c) => c !== "status"), ...Object.keys(noun.fields)];
  return [...new Set(["id", ...fields, "labels", "revision", "status"])];
};

export const heading = (column: string): string => column.replace(/_id$/, "");

function columnCell(p: Printer, noun: Noun, column: string, at: { thing: Thing; names: NameOf }): string {
  const value = at.thing[column];
  if (column === "status") return paintState(p.paint, at.thing.status?.state ?? "-");
  if (column === "id") return p.io.isTTY ? String(value).slice(0, 8) : String(value);
  const definition = noun.fields[column];
  const kind = definition && refOf(column, definition);
  if (kind && typeof value === "string") return cell(at.names(kind, value));
  return cell(value);
}
