/** Columns as wide as their widest cell, two spaces between, nothing after the last. */
export function table(header: readonly string[] | undefined, rows: readonly (readonly string[])[]): string {
  const all = header ? [header.map((h) => h.toUpperCase()), ...rows] : rows;
  const widths = widthsOf(all);
  return all.map((row) => line(row, widths)).join("");
}

export function widthsOf(rows: readonly (readonly string[])[]): number[] {
  const widths: number[] = [];
  for (const row of rows)
    row.forEach((cell, i) => {
      widths[i] = Math.max(widths[i] ?? 0, width(cell));
    });
  return widths;
}

/** One row; a cell wider than its column pushes the others aside. */
export const line = (row: readonly string[], widths: readonly number[]): string =>
  `${row
    .map((cell, i) => pad(cell, widths[i] ?? 0))
    .join("  ")
    .trimEnd()}\n`;

// biome-ignore lint/suspicious/noControlCharactersInRegex: colours are control characters.
const COLOUR = /\u001b\[\d+m/g;
const width = (cell: string): number => cell.replace(COLOUR, "").length;
const pad = (cell: string, to: number): string => cell + " ".repeat(Math.max(0, to - width(cell)));
