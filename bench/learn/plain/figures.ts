import type { LearnFigure } from "../figure.ts";
import { firstPackets } from "./first.ts";

/** Of learning with nothing in its way. */
export const PLAIN_FIGURES: readonly LearnFigure[] = [firstPackets];
