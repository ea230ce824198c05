/**
 * Breaks the project on purpose, one listed breakage at a time, in a copy of the tree, and checks that the test named
 * for it turns red: `npm run breakages [-- WORDS]`, where WORDS pick those whose name has them. Exits 1 where one goes unnoticed.
 */
import { fileURLToPath } from "node:url";
import type { Breakage, NamedTest } from "../packages/testkit/src/breakages/breakage.ts";
import { BREAKAGES } from "../packages/testkit/src/breakages/list.ts";
import { Scratch, type TestResult } from "../packages/testkit/src/breakages/scratch.ts";

const ROOT = fileURLToPath(new URL("../", import.meta.url));
const NOTICED: Record<TestResult, string> = {
  failed: "noticed",
  passed: "NOT NOTICED",
  erred: "NOT JUDGED: the test ended by an error, not by what it expects",
  absent: "NOT RUN: the broken tree does not build, or the test has another name",
};

/** The tests that are green while nothing is broken: only those can turn red. */
async function green(scratch: Scratch, tests: Iterable<NamedTest>): Promise<Set<NamedTest>> {
  const found = new Set<NamedTest>();
  for (const test of new Set(tests)) {
    const result = await scratch.run(test);
    if (result === "passed") found.add(test);
    else console.error(`unbroken, the test is not green but ${result}: ${test.title}`);
  }
  return found;
}

async function main(words: readonly string[]): Promise<number> {
  const chosen = BREAKAGES.filter((b) => words.every((word) => b.name.includes(word)));
  const scratch = new Scratch(ROOT);
  process.on("exit", () => scratch.remove());
  process.on("SIGINT", () => process.exit(130));
  process.on("SIGTERM", () => process.exit(143));
  const usable = await green(
    scratch,
    chosen.map((b) => b.test),
  );
  let noticed = 0;
  for (const breakage of chosen) {
    const verdict = usable.has(breakage.test) ? await tried(scratch, breakage) : "NOT COUNTED: its test is not green";
    if (verdict === NOTICED.failed) noticed++;
    console.log(`${verdict.padEnd(12)} ${breakage.name}`);
  }
  console.log(`${noticed} of ${chosen.length} breakages noticed`);
  return noticed === chosen.length && chosen.length > 0 ? 0 : 1;
}

const tried = async (scratch: Scratch, breakage: Breakage): Promise<string> =>
  NOTICED[await scratch.broken(breakage, () => scratch.run(breakage.test))];

process.exit(await main(process.argv.slice(2)));
