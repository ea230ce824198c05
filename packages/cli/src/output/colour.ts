import pc from "picocolors";
import type { Io } from "../io.ts";

export type Paint = ReturnType<typeof pc.createColors>;

/** Colours for a person's terminal only, and never under NO_COLOR (no-color.org). */
export const paintFor = (io: Io): Paint => pc.createColors(io.isTTY && !io.env.NO_COLOR);

export function paintState(paint: Paint, state: string): string {
  if (state === "realised") return paint.green(state);
  if (state === "pending") return paint.yellow(state);
  return state === "degraded" ? paint.red(state) : state;
}
