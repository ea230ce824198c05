import { expect, test } from "vitest";
import { runAll, seedsOf } from "./schedules.ts";

const seeds = seedsOf(1);

test("Q10 D5: whatever is killed, paused, cut off or late, hosts end up as a from-scratch compile says (odd seeds)", async () => {
  console.log(`simulation: seeds ${seeds[0]} to ${seeds.at(-1)}, odd ones`);
  const { asked, done } = await runAll(seeds);
  if (seeds.length > 1) expect(done).toBeGreaterThan(asked / 2);
}, 3_600_000);
