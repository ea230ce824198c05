/**
 * npm run scale -- [--ports N] [--hosts N] [--placement packed|random] [--quick] [--json FILE]
 * Loads a region and measures its control plane; what it means is in docs/scale.md.
 */
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { progressLines } from "@onehop/lab/progress";
import type { Placement, Shape } from "./plan.ts";
import { FULL, QUICK, scale } from "./scale.ts";
import { table } from "./table.ts";

const { values } = parseArgs({
  options: {
    ports: { type: "string" },
    hosts: { type: "string" },
    placement: { type: "string" },
    quick: { type: "boolean" },
    json: { type: "string" },
  },
});

function shape(): Shape {
  const placement = values.placement ?? "packed";
  if (placement !== "packed" && placement !== "random")
    throw new Error(`--placement ${placement} is neither packed nor random.`);
  return {
    ports: positive("ports", 64_009),
    hosts: positive("hosts", 2000),
    placement: placement as Placement,
    others: 24,
  };
}

function positive(name: "ports" | "hosts", usual: number): number {
  const value = Number(values[name] ?? usual);
  if (!Number.isInteger(value) || value < 1)
    throw new Error(`--${name} ${values[name]} is not a whole number from 1 on.`);
  return value;
}

async function main(): Promise<void> {
  const leaving = new AbortController();
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
    process.on(name, () => leaving.abort(new Error(`Ended by ${name}.`)));
  const progress = progressLines(
    (text) => process.stderr.write(text),
    () => performance.now(),
  );
  const result = await scale(shape(), { progress, signal: leaving.signal, amounts: values.quick ? QUICK : FULL });
  if (values.json) writeFileSync(values.json, `${JSON.stringify(result, undefined, 2)}\n`);
  process.stdout.write(`\n${table(result)}\n`);
  // A missed figure is told, not punished. One that is not there is a failure.
  if (result.problems.length > 0) process.exitCode = 1;
}

await main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
