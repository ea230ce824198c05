import type { LearnFigure } from "../figure.ts";

/** Of learning under storms, deaths and forgeries. */
export const HARD_FIGURES: readonly LearnFigure[] = [];
