import { rounded } from "../report/statistics.ts";
import type { Quantiles } from "./result.ts";

/** The value below which that part of the samples lies (nearest rank); throws where there is none. */
export function quantile(samples: readonly number[], part: number): number {
  const sorted = samples.toSorted((a, b) => a - b);
  const value = sorted[Math.max(0, Math.ceil(part * sorted.length) - 1)];
  if (value === undefined) throw new Error("There is no sample.");
  return rounded(value);
}

export const quantiles = (samples: readonly number[]): Quantiles => ({
  p50: quantile(samples, 0.5),
  p99: quantile(samples, 0.99),
});
