import type { LearnFigure } from "../figure.ts";
import { firstPackets } from "./first.ts";
import { bulkStream } from "./stream.ts";

/** Of learning with nothing in its way. */
export const PLAIN_FIGURES: readonly LearnFigure[] = [firstPackets, bulkStream];
