import type { LearnContext, LearnFigure } from "./figure.ts";
import { conditionsNow, type Findings, type LearnResult, resultOf } from "./result.ts";

/** Measures one after the other: they would disturb each other. */
export async function measureAll(
  figures: readonly LearnFigure[],
  options: Omit<LearnContext, "problem">,
): Promise<LearnResult> {
  const [start, before] = [performance.now(), conditionsNow()];
  const found = new Map<string, Findings>();
  const problems: string[] = [];
  for (const { name, measure } of figures) {
    options.signal.throwIfAborted();
    const problem = (what: string): void => {
      problems.push(`${name}: ${what}`);
      options.progress(`✗ ${name}: ${what}`);
    };
    try {
      found.set(name, await measure({ ...options, problem }));
    } catch (error) {
      problem(error instanceof Error ? error.message : String(error));
    }
  }
  const took_s = Math.round((performance.now() - start) / 1000);
  return resultOf(found, problems, { quick: options.quick, ...before, took_s });
}
