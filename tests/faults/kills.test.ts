import { describe, expect, it } from "vitest";
import { runKills } from "./kills.ts";

const FULL = process.env.ONEHOP_FULL === "1";
const ROUNDS = FULL ? 100 : 20;

describe("kill -9 of agents and controller under traffic", () => {
  for (const [title, victims] of [
    [`${ROUNDS} rounds of changes without kills lose no packet (control)`, "none"],
    [
      `Q20 ${ROUNDS} kills of agents and of the controller lose no packet, and each change is realised`,
      "agents and controller",
    ],
  ] as const)
    it(title, { timeout: 60_000 + ROUNDS * 15_000 }, async () => {
      const result = await runKills({ rounds: ROUNDS, victims });
      const { sent, answered, written, read } = result.probe;
      expect(result, "what the programs counted").toMatchObject({ lost_at_programs: 0, dropped: 0 });
      expect({ answered, read }, "what the guests counted").toEqual({ answered: sent, read: written });
    });
});
