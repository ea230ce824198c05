import type { LearnFigure } from "../figure.ts";
import { forged } from "./forged.ts";
import { hubKill } from "./hub_kill.ts";
import { pathCut } from "./path_cut.ts";

/** Of learning under storms, deaths and forgeries. */
export const HARD_FIGURES: readonly LearnFigure[] = [hubKill, pathCut, forged];
