/** Median, the middle of the two where there are two; undefined of nothing. */
export function median(values: readonly number[]): number | undefined {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle];
  return upper === undefined || sorted.length % 2 === 1 ? upper : (sorted[middle - 1]! + upper) / 2;
}

/** The middle of some values and how far they lie apart. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
  readonly samples: readonly number[];
}

export function spreadOf(values: readonly number[]): Spread | undefined {
  const middle = median(values);
  if (middle === undefined) return undefined;
  const samples = values.map(rounded);
  return { median: rounded(middle), min: Math.min(...samples), max: Math.max(...samples), samples };
}

/** The middle of what the rounds' first value is of their second; undefined where no round has both. */
export function medianRatio(
  rounds: readonly (readonly [number | undefined, number | undefined])[],
): number | undefined {
  const middle = median(rounds.flatMap(([over, under]) => (over !== undefined && under ? [over / under] : [])));
  return middle === undefined ? undefined : rounded(middle);
}

/** Four digits that count: more would be noise. */
export const rounded = (value: number): number => Number(value.toPrecision(4));
