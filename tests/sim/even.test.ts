import { World } from "@onehop/testkit/sim/world";
import { expect, test } from "vitest";
import { runAll, seedsOf } from "./schedules.ts";

const seeds = seedsOf(0);

test("Q10 D5: whatever is killed, paused, cut off or late, hosts end up as a from-scratch compile says (even seeds)", async () => {
  console.log(`simulation: seeds ${seeds[0]} to ${seeds.at(-1)}, even ones`);
  const { asked, done } = await runAll(seeds);
  if (seeds.length > 1) expect(done).toBeGreaterThan(asked / 2);
}, 3_600_000);

test("A seed gives the same schedule again, to the millisecond", async () => {
  const [first, second] = [await new World(7).run(), await new World(7).run()];
  expect(second).toEqual(first);
});
