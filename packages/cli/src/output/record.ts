import { cell } from "./cell.ts";
import { type Printer, printData } from "./print.ts";
import { table } from "./table.ts";

/** Any answer of nested objects, a line for each leaf: `drops.source_mac  3`. Lists of objects become tables. */
export async function printRecord(p: Printer, value: unknown): Promise<void> {
  if (await printData(p.io, p.options.output, value)) return;
  const leaves: string[][] = [];
  const tables: [string, Record<string, unknown>[]][] = [];
  walk("", value, { leaves, tables });
  if (leaves.length) p.io.out(table(undefined, leaves));
  for (const [path, rows] of tables) p.io.out(`\n${path}\n${tableOf(rows)}`);
}

interface Found {
  readonly leaves: string[][];
  readonly tables: [string, Record<string, unknown>[]][];
}

function walk(path: string, value: unknown, found: Found): void {
  if (isRows(value)) found.tables.push([path, value]);
  else if (typeof value === "object" && value !== null && !Array.isArray(value))
    for (const [key, v] of Object.entries(value)) walk(path ? `${path}.${key}` : key, v, found);
  else found.leaves.push([path || "value", cell(value)]);
}

const isRows = (value: unknown): value is Record<string, unknown>[] =>
  Array.isArray(value) && value.length > 0 && value.every((v) => typeof v === "object" && v !== null);

export function tableOf(rows: readonly Record<string, unknown>[], headers = true): string {
  const columns = [...new Set(rows.flatMap((r) => Object.keys(r)))];
  return table(
    headers ? columns : undefined,
    rows.map((r) => columns.map((c) => cell(r[c]))),
  );
}
