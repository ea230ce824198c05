import { type Outcome, World } from "@onehop/testkit/sim/world";
import { expect } from "vitest";

const FULL = process.env.ONEHOP_FULL === "1";
/** Only this one, with what happened in it. */
const ONE = process.env.SIM_SEED;
const COUNT = FULL ? 10_000 : 500;

/** Half of the seeds for each of two test files, so that both cores have work. */
export function seedsOf(half: 0 | 1): number[] {
  if (ONE !== undefined) return half === 0 ? [Number(ONE)] : [];
  const first = FULL ? 1_000_000 : Number(process.env.ONEHOP_SEED ?? 1) * 1000;
  return Array.from({ length: COUNT }, (_, i) => first + i).filter((seed) => seed % 2 === half);
}

/** Runs schedules until one is broken; fails with how to run that one alone. */
export async function runAll(seeds: readonly number[]): Promise<Outcome["writes"]> {
  const sum = { asked: 0, done: 0, refused: 0, unknown: 0 };
  for (const seed of seeds) {
    const { broken, log, writes } = await new World(seed).run();
    if (ONE !== undefined) console.log(log.join("\n"));
    const again = `SIM_SEED=${seed} npx vitest run tests/sim`;
    expect(broken, `${again}\n${log.join("\n")}`).toBeUndefined();
    for (const [what, n] of Object.entries(writes)) sum[what as keyof typeof sum] += n;
  }
  return sum;
}
