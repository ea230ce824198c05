import type { Noun } from "@onehop/core";
import type { Thing } from "../api.ts";
import { loadNames, type NameOf } from "../names.ts";
import { refOf } from "../objects.ts";
import type { Told } from "../watch.ts";
import { cellsOf, columnsOf, heading, type Printer } from "./print.ts";
import { line, widthsOf } from "./table.ts";

/** Prints events as they come: rows under one header, or a line of JSON each. */
export class EventPrinter {
  readonly #p: Printer;
  readonly #noun: Noun;
  readonly #names = new Map<string, string>();
  #widths: readonly number[] | undefined;

  constructor(p: Printer, noun: Noun) {
    this.#p = p;
    this.#noun = noun;
  }

  async print(told: readonly Told[]): Promise<void> {
    const { io, options } = this.#p;
    if (options.quiet) for (const { object } of told) io.out(`${object.id}\n`);
    else if (options.output === "name") for (const { object } of told) io.out(`${this.#noun.kind}/${object.name}\n`);
    else if (options.output === "json")
      for (const { type, revision, object } of told) io.out(`${JSON.stringify({ type, revision, object })}\n`);
    else if (options.output === "yaml") {
      const { stringify } = await import("./yaml.ts");
      for (const { type, revision, object } of told) io.out(`---\n${stringify({ type, revision, object })}`);
    } else await this.#rows(told);
  }

  async #rows(told: readonly Told[]): Promise<void> {
    const { io, options } = this.#p;
    const columns = columnsOf(this.#p, this.#noun);
    await this.#learn(
      columns,
      told.map((t) => t.object),
    );
    const names: NameOf = (_, id) => this.#names.get(id) ?? id;
    const rows = told.map(({ type, object: thing }) => [
      type,
      ...cellsOf(this.#p, this.#noun, columns, { thing, names }),
    ]);
    const header = ["event", ...columns.map(heading)].map((h) => h.toUpperCase());
    const isFirst = this.#widths === undefined;
    // Later rows keep to the columns of the first; a deletion's word is as long as any.
    this.#widths ??= widthsOf([header, ["modified"], ...rows]);
    if (isFirst && options.headers !== false) io.out(line(header, this.#widths));
    for (const row of rows) io.out(line(row, this.#widths));
  }

  /** Asks for the names that rows need and that are not known yet. */
  async #learn(columns: readonly string[], things: readonly Thing[]): Promise<void> {
    const fields = columns.filter((c) => this.#noun.fields[c] && refOf(c, this.#noun.fields[c]));
    const ids = (thing: Thing) => fields.map((f) => thing[f]).filter((v): v is string => typeof v === "string");
    const unknown = things.filter((t) => ids(t).some((id) => !this.#names.has(id)));
    if (unknown.length === 0) return;
    const names = await loadNames(this.#p.api, this.#noun, fields, unknown);
    for (const thing of unknown) for (const id of ids(thing)) this.#names.set(id, names(this.#noun.kind, id));
  }
}
