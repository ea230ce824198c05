/** A page's fenced commands with what they print, and marks such as `<!-- lab: narrow -->` between them, in order. */
export type Step =
  | { readonly kind: "lab"; readonly name: string }
  | { readonly kind: "command"; readonly line: string; readonly code: number; readonly shown: readonly string[] };

const PART = /^<!-- lab: (?<name>[\w-]+) -->$|^```(?<language>sh|console)\n(?<body>.*?)^```$/gms;
const CODE = /#\s*exits with (\d)\s*$/;

/** In `sh` every line is a command; in `console` those behind `$ `, and what follows is what they print. */
export function stepsOf(page: string): Step[] {
  return [...page.matchAll(PART)].flatMap(({ groups }): Step[] => {
    const { name, language, body = "" } = groups as Record<string, string | undefined>;
    if (name) return [{ kind: "lab", name }];
    const lines = body.split("\n").filter((l) => l.trim() !== "");
    if (language === "sh") return lines.map((line) => command(line, []));
    const starts = lines.flatMap((l, i) => (l.startsWith("$ ") ? [i] : []));
    return starts.map((at, n) => command(lines[at]!.slice(2), lines.slice(at + 1, starts[n + 1])));
  });
}

const command = (line: string, shown: readonly string[]): Step => ({
  kind: "command",
  line,
  code: Number(CODE.exec(line)?.[1] ?? 0),
  shown,
});

const ELISION = "…";
const NUMBER = /^\d+(\.\d+)?[kMGT]?$/;
const VARYING: readonly (readonly [RegExp, string])[] = [
  [/^\d{4}-\d\d-\d\dT\S+Z$/, "\\d{4}-\\d\\d-\\d\\dT\\S+Z"],
  [/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/, "[0-9a-f-]{36}"],
  [/^\+\d+\.\d+$/, "\\+\\d+\\.\\d+"],
];

/** Times, ids and numbers are another every time; but nothing stays nothing. */
function pattern(token: string): string {
  const varying = VARYING.find(([form]) => form.test(token));
  if (varying) return varying[1];
  if (NUMBER.test(token) && Number.parseFloat(token) !== 0) return "(?:[1-9]\\d*(?:\\.\\d+)?|0\\.\\d+)[kMGT]?";
  return token
    .split(ELISION)
    .map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"))
    .join(".*");
}

const lineOf = (shown: string): string =>
  shown.trim() === ELISION ? "(?:.*\n)*?" : `[ \t]*${shown.trim().split(/\s+/).map(pattern).join("[ \t]+")}[ \t]*\n`;

/** How many of the lines shown a text begins with; elided lines may be any. */
function reached(text: string, shown: readonly string[]): number {
  const whole = text.replace(/^\s*\n/gm, "").replace(/([^\n])$/, "$1\n");
  const lines = shown.map(lineOf);
  let count = lines.length;
  while (count > 0 && !new RegExp(`^${lines.slice(0, count).join("")}`).test(whole)) count--;
  if (count < lines.length || shown.length === 0) return count;
  return new RegExp(`^${lines.join("")}$`).test(whole) ? count + 1 : count;
}

/** Whether a command that goes on has printed these lines. */
export const hasShown = (text: string, shown: readonly string[]): boolean => reached(text, shown) >= shown.length;

/** What is wrong with the lines that a page shows of a command; undefined where nothing is. */
export function difference(text: string, shown: readonly string[]): string | undefined {
  if (shown.length === 0) return undefined;
  const count = reached(text, shown);
  if (count > shown.length) return undefined;
  const wanted = count === shown.length ? "no more lines, or …" : JSON.stringify(shown[count]);
  return `After ${count} lines the page should show what was printed, and has ${wanted}. Printed was:\n${text}`;
}
