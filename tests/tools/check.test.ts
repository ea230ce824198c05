import { spawnSync } from "node:child_process";
import { describe, expect, it } from "vitest";

/** What `npm run check` asks of the sources, so that a run of the tests asks it too. */
const CHECKS = {
  "the types hold": ["tsc", "-p", "."],
  "the sources are linted and formatted": ["biome", "check", ".", "--colors=off"],
  "files and functions are within their limits": ["tsx", "tools/limits.ts"],
} as const;

describe("the sources", () => {
  for (const [title, [tool, ...args]] of Object.entries(CHECKS))
    it(title, { timeout: 180_000 }, () => {
      const { status, stdout, stderr } = spawnSync(`node_modules/.bin/${tool}`, args, { encoding: "utf8" });
      expect(status, `${stdout}${stderr}`.slice(0, 4000)).toBe(0);
    });
});
