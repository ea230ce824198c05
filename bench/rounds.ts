import { FIGURES, type FigureName, TCP_FIGURES } from "./figures/figure.ts";
import { PATHS, type PathName, SEGMENTED } from "./paths/path.ts";

export type Offloads = "on" | "off";

/** One measurement: a figure of a path, in a state of the underlay. */
export interface Point {
  readonly path: PathName;
  readonly offloads: Offloads;
  readonly figure: FigureName;
}

/**
 * A round: figure after figure over all paths, so that a slow minute of the machine meets all paths alike; every second
 * round goes through them backwards, so that none is always first. The points without offloads come last.
 */
export function pointsOf(round: number): Point[] {
  const turn = <T>(list: readonly T[]): T[] => (round % 2 === 0 ? [...list] : list.toReversed());
  const group = (offloads: Offloads, figures: readonly FigureName[], paths: readonly PathName[]): Point[] =>
    figures.flatMap((figure) => turn(paths).map((path) => ({ path, offloads, figure })));
  return [...group("on", FIGURES, PATHS), ...group("off", TCP_FIGURES, SEGMENTED)];
}

/** A row of the result is one of these. */
export const rowKey = ({ path, offloads }: Pick<Point, "path" | "offloads">): string => `${path}/${offloads}`;

/** Values by row and figure, in the order of the rounds; a point that failed is missing. */
export class Samples {
  readonly #values = new Map<string, number[]>();

  add(point: Point, value: number): void {
    this.of(point).push(value);
  }

  of(point: Point): number[] {
    const key = `${rowKey(point)}/${point.figure}`;
    const values = this.#values.get(key) ?? [];
    this.#values.set(key, values);
    return values;
  }
}
