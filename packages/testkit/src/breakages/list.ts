import type { Breakage } from "./breakage.ts";
import { API, CONTROL_PLANE } from "./control_plane.ts";
import { DATA_PLANE } from "./data_plane.ts";
import { LEARNING } from "./learning.ts";
import { SIMULATION } from "./simulation.ts";

export const BREAKAGES: readonly Breakage[] = [...DATA_PLANE, ...LEARNING, ...CONTROL_PLANE, ...API, ...SIMULATION];
