import { onStdout } from "@onehop/lab/paint";
import { FIGURES } from "../figures/figure.ts";
import type { Target } from "./ratios.ts";
import type { BenchResult } from "./result.ts";
import type { Row } from "./row.ts";
import { FIGURE_WORDS, PATH_WORDS, shown } from "./words.ts";

/** The result as a person likes to read it: medians, with least and most below them. */
export function table(result: BenchResult): string {
  const header = ["", ...FIGURES.map((f) => FIGURE_WORDS[f].title), "Programs"];
  const units = ["", ...FIGURES.map((f) => FIGURE_WORDS[f].unit), "ns/packet"];
  const cells = [header, units, ...result.rows.flatMap(linesOf)];
  const widths = header.map((_, column) => Math.max(...cells.map((row) => row[column]!.length)));
  const lines = cells.map((row) => row.map((cell, i) => align(cell, widths[i]!, i)).join("  "));
  const rows = lines.slice(2).map((line, i) => (i % 2 === 0 ? line : onStdout.dim(line)));
  return [onStdout.bold(lines[0]), onStdout.dim(lines[1]), ...rows, "", ...summary(result)].join("\n");
}

const align = (cell: string, width: number, column: number): string =>
  column === 0 ? cell.padEnd(width) : cell.padStart(width);

function linesOf(row: Row): string[][] {
  const name = PATH_WORDS[row.path] + (row.offloads === "off" ? ", underlay without offloads" : "");
  const programs = Object.values(row.program_ns ?? {});
  const total = programs.length > 0 ? shown(programs.reduce((a, b) => a + b, 0)) : "-";
  const extremes = FIGURES.map((figure) => {
    const spread = row.spread[figure];
    return spread ? `${shown(spread.min)}..${shown(spread.max)}` : "";
  });
  return [
    [name, ...FIGURES.map((figure) => shown(row[figure])), total],
    ["", ...extremes, programs.map(shown).join(" + ")],
  ];
}

function summary({ targets, promises, control_plane: control, problems }: BenchResult): string[] {
  const kept = Object.entries(promises).map(([id, ok]) => (ok ? onStdout.green(`${id} ✓`) : onStdout.red(`${id} ✗`)));
  return [
    onStdout.bold("Data plane, routed between hosts, against what is to be reached"),
    ...targets.map(targetLine),
    "",
    onStdout.bold("Control plane (no packet waits for it)"),
    ...(control
      ? [
          `  a port, from request to realised   ${shown(control.port_realised_ms.median)} ms`,
          `  reading an object                  ${shown(control.read_ms.median)} ms`,
        ]
      : ["  not measured"]),
    "",
    `Promises: ${kept.join("  ")}`,
    ...problems.map((problem) => onStdout.red(`✗ ${problem}`)),
  ];
}

function targetLine({ ratio, at_least, at_most, value, met }: Target): string {
  const bound = at_least === undefined ? `at most ${at_most}` : `at least ${at_least}`;
  const line = `  ${met ? "✓" : "✗"} ${ratio.padEnd(22)} ${shown(value).padStart(7)}   (${bound})`;
  return met ? onStdout.green(line) : onStdout.red(line);
}
