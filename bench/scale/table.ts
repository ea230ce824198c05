import { onStdout } from "@onehop/lab/paint";
import { shown } from "../report/words.ts";
import type { ScaleResult } from "./result.ts";

/** The result as a person likes to read it. */
export function table({ targets, promises, problems, conditions }: ScaleResult): string {
  const lines = targets.map(({ figure, at_most, value, met }) => {
    const text = value === null ? "-" : Number.isInteger(value) ? String(value) : shown(value);
    const line = `  ${met ? "✓" : "✗"} ${figure.padEnd(46)} ${text.padStart(8)}   (at most ${at_most})`;
    return met ? onStdout.green(line) : onStdout.red(line);
  });
  const kept = Object.entries(promises).map(([id, ok]) => (ok ? onStdout.green(`${id} ✓`) : onStdout.red(`${id} ✗`)));
  const { ports, hosts, placement, took_s } = conditions;
  return [
    onStdout.bold(`${ports} ports, ${hosts} hosts, ${placement}, in ${took_s} s`),
    ...lines,
    "",
    `Promises: ${kept.join("  ")}`,
    ...problems.map((problem) => onStdout.red(`✗ ${problem}`)),
  ].join("\n");
}
