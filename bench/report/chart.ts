import { FIGURES, type FigureName } from "../figures/figure.ts";
import type { Row } from "./row.ts";
import { FIGURE_WORDS, PATH_WORDS, shown } from "./words.ts";

const WIDTH = 900;
const LABELS = 260;
const VALUES = 70;
const BAR = 16;
const STEP = 22;
const TITLE = 34;
const MARGIN = 16;
const COLOURS = { onehop: "#2563eb", other: "#94a3b8", limit: "#475569" } as const;

/** A panel of bars for each figure: medians, and a line from the least to the most of the rounds. */
export function chart(rows: readonly Row[]): string {
  let y = MARGIN;
  const panels = FIGURES.map((figure) => {
    const shownRows = rows.filter((row) => row.spread[figure]);
    const drawn = panel(figure, shownRows, y);
    y += TITLE + shownRows.length * STEP + MARGIN;
    return drawn;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${y}" font-family="system-ui, sans-serif" font-size="13">`,
    "<title>onehop beside its peers: the figures of each path</title>",
    `<rect width="${WIDTH}" height="${y}" fill="#ffffff"/>`,
    ...panels,
    "</svg>",
    "",
  ].join("\n");
}

function panel(figure: FigureName, rows: readonly Row[], top: number): string {
  const { title, unit, better } = FIGURE_WORDS[figure];
  const most = Math.max(...rows.map((row) => row.spread[figure]!.max));
  const scale = (value: number): number => (Math.max(0, value) / most) * (WIDTH - LABELS - VALUES - 2 * MARGIN);
  const heading = `${title}, ${unit}`;
  const note = better === "more" ? "more is better" : "less is better";
  return [
    `<text x="${MARGIN}" y="${top + 18}" font-weight="600" fill="#0f172a">${heading} <tspan font-weight="400" fill="#64748b">(${note})</tspan></text>`,
    ...rows.map((row, i) => bar({ row, figure, y: top + TITLE + i * STEP, scale })),
  ].join("\n");
}

interface Bar {
  readonly row: Row;
  readonly figure: FigureName;
  readonly y: number;
  readonly scale: (value: number) => number;
}

function bar({ row, figure, y, scale }: Bar): string {
  const { median, min, max } = row.spread[figure]!;
  const left = MARGIN + LABELS;
  const at = (value: number): string => (left + scale(value)).toFixed(1);
  const middle = y + BAR / 2;
  const words = PATH_WORDS[row.path] + (row.offloads === "off" ? ", no offloads" : "");
  return [
    `<text x="${left - 8}" y="${middle + 4}" text-anchor="end" fill="#334155">${words}</text>`,
    `<rect x="${left}" y="${y}" width="${scale(median).toFixed(1)}" height="${BAR}" rx="2" fill="${colourOf(row)}"/>`,
    `<line x1="${at(min)}" x2="${at(max)}" y1="${middle}" y2="${middle}" stroke="#0f172a" stroke-width="1.5"/>`,
    `<text x="${(left + scale(max) + 8).toFixed(1)}" y="${middle + 4}" fill="#0f172a">${shown(median)}</text>`,
  ].join("\n");
}

const colourOf = ({ path }: Row): string => {
  if (path === "host") return COLOURS.limit;
  return path.startsWith("onehop") ? COLOURS.onehop : COLOURS.other;
};
