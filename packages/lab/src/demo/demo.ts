import { readFile, writeFile } from "node:fs/promises";
import { exampleFile } from "../install.ts";
import type { Lab } from "../lab.ts";
import type { Progress } from "../progress.ts";
import { pairsOf } from "./cases.ts";
import { type Isolation, proveIsolation } from "./isolation.ts";
import { type DemoResult, messageOf, resultOf } from "./result.ts";
import { measureRow, type Row } from "./row.ts";

export interface DemoOptions {
  readonly hosts?: number;
  /** Documents to apply; by default the example of two tenants. */
  readonly file?: string;
  /** Where the result goes as JSON. */
  readonly json?: string;
  readonly progress: Progress;
  /** Aborted when the user wants to leave. */
  readonly signal: AbortSignal;
  /** Called before traffic flows; tests break the lab here. */
  readonly beforeTraffic?: (lab: Lab) => Promise<void>;
}

/** Builds a lab, applies the file, proves and measures. The lab stays up: the caller closes it. */
export async function demonstrate(lab: Lab, options: DemoOptions): Promise<DemoResult> {
  const rows: Row[] = [];
  const problems: string[] = [];
  let isolation: Isolation | undefined;
  try {
    await prepare(lab, options);
    isolation = await measure(lab, options, rows);
  } catch (error) {
    problems.push(messageOf(error));
  }
  const result = resultOf(rows, isolation, problems);
  await writeResult(options.json, result);
  return result;
}

/** As JSON, where a file is named. */
export async function writeResult(file: string | undefined, result: DemoResult): Promise<void> {
  if (file) await writeFile(file, `${JSON.stringify(result, null, 2)}\n`);
}

async function prepare(lab: Lab, options: DemoOptions): Promise<void> {
  const file = options.file ?? exampleFile("two-tenants.yaml");
  options.progress(`Applying ${file}`);
  const count = await lab.apply(await readFile(file, "utf8"));
  options.progress(`Waiting until all ${count} objects are realised on the hosts`);
  await lab.realised();
  await options.beforeTraffic?.(lab);
}

async function measure(lab: Lab, { progress, signal }: DemoOptions, rows: Row[]): Promise<Isolation> {
  const guests = await lab.guests();
  const pairs = pairsOf(guests);
  for (const [i, pair] of pairs.entries()) {
    signal.throwIfAborted();
    progress(`Sending and listening (${i + 1} of ${pairs.length}): ${pair.from.name} to ${pair.to.name}, ${pair.case}`);
    rows.push(await measureRow(pair, { fabric: lab.fabric, guests }, i + 1));
  }
  signal.throwIfAborted();
  progress("Every guest calls every address, while all listen for packets of the other VPC");
  return proveIsolation(guests, lab.fabric);
}
