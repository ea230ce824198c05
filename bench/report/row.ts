import { FIGURES, type FigureName, TCP_FIGURES } from "../figures/figure.ts";
import type { ProgramNs } from "../figures/programs.ts";
import { PATHS, type PathName, SEGMENTED } from "../paths/path.ts";
import type { Offloads, Samples } from "../rounds.ts";
import { rounded, type Spread, spreadOf } from "./statistics.ts";

/** One path of the table. Figures are medians over the rounds; null where nothing was measured. */
export type Row = Readonly<Record<FigureName, number | null>> & {
  readonly path: PathName;
  /** TSO, GSO and GRO of the underlay's devices. */
  readonly offloads: Offloads;
  /** Of each program that the path's packets cross; null where there is none. */
  readonly program_ns: ProgramNs | null;
  /** By figure: the same median, the extremes, and what each round gave. */
  readonly spread: Readonly<Partial<Record<FigureName, Spread>>>;
};

/** In the order of the table. */
export function rowsOf(samples: Samples, programs: Readonly<Partial<Record<PathName, ProgramNs>>>): Row[] {
  return [
    ...PATHS.map((path) => rowOf(samples, { path, offloads: "on", figures: FIGURES }, programs[path])),
    ...SEGMENTED.map((path) => rowOf(samples, { path, offloads: "off", figures: TCP_FIGURES }, undefined)),
  ];
}

interface What {
  readonly path: PathName;
  readonly offloads: Offloads;
  readonly figures: readonly FigureName[];
}

function rowOf(samples: Samples, { path, offloads, figures }: What, programs: ProgramNs | undefined): Row {
  const spread: Partial<Record<FigureName, Spread>> = {};
  for (const figure of figures) {
    const found = spreadOf(samples.of({ path, offloads, figure }));
    if (found) spread[figure] = found;
  }
  const medians = Object.fromEntries(FIGURES.map((figure) => [figure, spread[figure]?.median ?? null]));
  const program_ns = programs && Object.fromEntries(Object.entries(programs).map(([name, ns]) => [name, rounded(ns)]));
  return {
    path,
    offloads,
    ...(medians as Record<FigureName, number | null>),
    program_ns: program_ns ?? null,
    spread,
  };
}
