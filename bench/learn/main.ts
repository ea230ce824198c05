/**
 * npm run learn -- [--quick] [--only NAME,...] [--json FILE]
 * Measures how onehop learns, each figure with its control; what it means is in docs/learning.md.
 */
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { progressLines } from "@onehop/lab/progress";
import { HARD_FIGURES } from "./hard/figures.ts";
import { measureAll } from "./measure.ts";
import { PLAIN_FIGURES } from "./plain/figures.ts";
import { table } from "./table.ts";

const { values } = parseArgs({
  options: { quick: { type: "boolean" }, only: { type: "string" }, json: { type: "string" } },
});

async function main(): Promise<void> {
  const leaving = new AbortController();
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
    process.on(name, () => leaving.abort(new Error(`Ended by ${name}.`)));
  const result = await measureAll(chosen(), {
    quick: values.quick ?? false,
    progress: progressLines(
      (text) => process.stderr.write(text),
      () => performance.now(),
    ),
    signal: leaving.signal,
  });
  if (values.json) writeFileSync(values.json, `${JSON.stringify(result, undefined, 2)}\n`);
  process.stdout.write(`\n${table(result)}\n`);
  // A missed figure is told, not punished: it is the machine's as much as ours. One that is not there is a failure.
  if (result.problems.length > 0) process.exitCode = 1;
}

function chosen() {
  const all = [...PLAIN_FIGURES, ...HARD_FIGURES];
  const only = values.only?.split(",");
  const names = all.map(({ name }) => name);
  const stranger = only?.find((name) => !names.includes(name));
  if (stranger) throw new Error(`--only ${stranger} is none of ${names.join(", ")}.`);
  return all.filter(({ name }) => only?.includes(name) ?? true);
}

await main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
