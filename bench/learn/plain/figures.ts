import type { LearnFigure } from "../figure.ts";

/** Of learning with nothing in its way. */
export const PLAIN_FIGURES: readonly LearnFigure[] = [];
