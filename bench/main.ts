/**
 * npm run bench -- [--quick] [--rounds N] [--seconds N] [--json FILE] [--svg FILE]
 * Measures onehop beside its rivals; what it means is in docs/performance.md.
 */
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { progressLines } from "@onehop/lab/progress";
import { bench } from "./bench.ts";
import { chart } from "./report/chart.ts";
import { table } from "./report/table.ts";

const { values } = parseArgs({
  options: {
    quick: { type: "boolean" },
    rounds: { type: "string" },
    seconds: { type: "string" },
    json: { type: "string" },
    svg: { type: "string" },
  },
});

function positive(name: "rounds" | "seconds", usual: number): number {
  const value = Number(values[name] ?? usual);
  if (!Number.isInteger(value) || value < 1)
    throw new Error(`--${name} ${values[name]} is not a whole number from 1 on.`);
  return value;
}

async function main(): Promise<void> {
  const leaving = new AbortController();
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
    process.on(name, () => leaving.abort(new Error(`Ended by ${name}.`)));
  const result = await bench({
    rounds: positive("rounds", values.quick ? 3 : 7),
    seconds: positive("seconds", values.quick ? 1 : 2),
    progress: progressLines(
      (text) => process.stderr.write(text),
      () => performance.now(),
    ),
    signal: leaving.signal,
  });
  if (values.json) writeFileSync(values.json, `${JSON.stringify(result, undefined, 2)}\n`);
  if (values.svg) writeFileSync(values.svg, chart(result.rows));
  process.stdout.write(`\n${table(result)}\n`);
  // A missed figure is told, not punished: it is the machine's as much as ours. A point without a figure is a failure.
  if (result.problems.length > 0) process.exitCode = 1;
}

await main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
