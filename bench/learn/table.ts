import { onStdout } from "@onehop/lab/paint";
import { shown } from "../report/words.ts";
import type { LearnResult } from "./result.ts";
import type { Target } from "./targets.ts";

/** The result as a person likes to read it. */
export function table({ targets, promises, problems }: LearnResult): string {
  const kept = Object.entries(promises).map(([id, ok]) => (ok ? onStdout.green(`${id} ✓`) : onStdout.red(`${id} ✗`)));
  return [
    onStdout.bold("Learning, against what is to be reached"),
    ...targets.map(targetLine),
    "",
    `Promises: ${kept.join("  ")}`,
    ...problems.map((problem) => onStdout.red(`✗ ${problem}`)),
  ].join("\n");
}

function targetLine({ figure, at_least, at_most, value, met }: Target): string {
  const bound = at_least === undefined ? `at most ${at_most}` : `at least ${at_least}`;
  const text = value === null ? "-" : Number.isInteger(value) ? String(value) : shown(value);
  const line = `  ${met ? "✓" : "✗"} ${figure.padEnd(34)} ${text.padStart(8)}   (${bound})`;
  return met ? onStdout.green(line) : onStdout.red(line);
}
