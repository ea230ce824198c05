import type { LearnFigure } from "../figure.ts";
import { cost } from "./cost.ts";
import { firstPackets } from "./first.ts";
import { pairsCost } from "./pairs_cost.ts";
import { silence } from "./silence.ts";
import { bulkStream } from "./stream.ts";
import { tables } from "./tables.ts";

/** Of learning with nothing in its way. */
export const PLAIN_FIGURES: readonly LearnFigure[] = [firstPackets, bulkStream, silence, tables, cost, pairsCost];
