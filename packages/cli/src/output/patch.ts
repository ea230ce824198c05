import type { Paint } from "./colour.ts";

/** Two texts as one patch of the unified kind, or "" where they are the same. Texts are short: all lines are shown. */
export function patch(title: string, before: string, after: string, paint: Paint): string {
  if (before === after) return "";
  const [a, b] = [linesOf(before), linesOf(after)];
  const lines = merge(a, b).map((line) => {
    if (line.startsWith("-")) return paint.red(line);
    return line.startsWith("+") ? paint.green(line) : line;
  });
  const head = [`--- ${title} (is)`, `+++ ${title} (file)`].map(paint.bold);
  const hunk = paint.cyan(`@@ -${placeOf(a)} +${placeOf(b)} @@`);
  return `${[...head, hunk, ...lines].join("\n")}\n`;
}

const linesOf = (text: string): string[] => (text === "" ? [] : text.replace(/\n$/, "").split("\n"));
const placeOf = (lines: readonly string[]): string => `${lines.length ? 1 : 0},${lines.length}`;

/** Lines of both, common ones once: by the longest common subsequence. */
function merge(a: readonly string[], b: readonly string[]): string[] {
  const common = Array.from({ length: a.length + 1 }, () => new Array<number>(b.length + 1).fill(0));
  for (let i = a.length - 1; i >= 0; i--)
    for (let j = b.length - 1; j >= 0; j--)
      common[i]![j] = a[i] === b[j] ? common[i + 1]![j + 1]! + 1 : Math.max(common[i + 1]![j]!, common[i]![j + 1]!);
  const out: string[] = [];
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    if (i < a.length && a[i] === b[j]) {
      out.push(` ${a[i++]}`);
      j++;
    } else if (i < a.length && (j === b.length || common[i + 1]![j]! >= common[i]![j + 1]!)) out.push(`-${a[i++]}`);
    else out.push(`+${b[j++]}`);
  }
  return out;
}
