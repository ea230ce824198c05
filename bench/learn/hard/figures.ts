import type { LearnFigure } from "../figure.ts";
import { forged } from "./forged.ts";
import { hubKill } from "./hub_kill.ts";
import { pathCut } from "./path_cut.ts";
import { storm } from "./storm.ts";

/** Of learning under storms, deaths and forgeries. */
export const HARD_FIGURES: readonly LearnFigure[] = [storm, hubKill, pathCut, forged];
