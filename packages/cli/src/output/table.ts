/** Columns as wide as their widest cell, two spaces between, nothing after the last. */
export function table(header: readonly string[] | undefined, rows: readonly (readonly string[])[]): string {
  const all = header ? [header.map((h) => h.toUpperCase()), ...rows] : rows;
  const widths: number[] = [];
  for (const row of all)
    row.forEach((cell, i) => {
      widths[i] = Math.max(widths[i] ?? 0, width(cell));
    });
  const lines = all.map((row) =>
    row
      .map((cell, i) => pad(cell, widths[i]!))
      .join("  ")
      .trimEnd(),
  );
  return lines.map((line) => `${line}\n`).join("");
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: colours are control characters.
const COLOUR = /\u001b\[\d+m/g;
const width = (cell: string): number => cell.replace(COLOUR, "").length;
const pad = (cell: string, to: number): string => cell + " ".repeat(to - width(cell));
