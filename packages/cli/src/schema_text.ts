import { usage } from "./exit.ts";

/** The parts of a JSON Schema the command line looks at. */
interface Shape {
  readonly type?: string;
  readonly const?: unknown;
  readonly anyOf?: readonly Shape[];
  readonly items?: Shape;
  readonly properties?: Readonly<Record<string, Shape>>;
}

/** How the value is written on the command line, for help. */
export function placeholder(schema: object): string {
  const shape = schema as Shape;
  const choices = choicesOf(schema);
  if (choices) return choices.join("|");
  if (shape.type === "array") return "a,b,…";
  if (isObject(shape)) return "key=value,…";
  return shape.type === "integer" || shape.type === "number" ? "n" : "text";
}

/** The words of a union of literals. */
export function choicesOf(schema: object): string[] | undefined {
  const { anyOf, items } = schema as Shape;
  if (items) return choicesOf(items);
  if (!anyOf?.every((s) => typeof s.const === "string")) return undefined;
  return anyOf.map((s) => String(s.const));
}

export const isList = (schema: object): boolean => (schema as Shape).type === "array";

/** Turns what was typed (each use of a flag one text) into the JSON the API takes. Checks of meaning are the API's. */
export function parseTexts(flag: string, schema: object, texts: readonly string[]): unknown {
  const shape = schema as Shape;
  if (shape.type === "array") {
    const parts = texts.flatMap((t) => t.split(",")).map((t) => t.trim());
    return parts.filter((t) => t !== "").map((t) => parseScalar(flag, shape.items ?? {}, t));
  }
  if (isObject(shape)) return parsePairs(flag, shape, texts);
  return parseScalar(flag, shape, texts[texts.length - 1] ?? "");
}

function isObject(shape: Shape): boolean {
  return shape.type === "object" || (shape.anyOf?.some((s) => s.type === "object") ?? false);
}

function parsePairs(flag: string, shape: Shape, texts: readonly string[]): Record<string, unknown> {
  const properties = Object.assign({}, shape.properties, ...(shape.anyOf ?? []).map((s) => s.properties));
  const result: Record<string, unknown> = {};
  for (const pair of texts.flatMap((t) => t.split(","))) {
    const [key, value] = splitPair(flag, pair);
    result[key] = parseScalar(`${flag} ${key}`, properties[key] ?? {}, value);
  }
  return result;
}

function parseScalar(flag: string, shape: Shape, text: string): unknown {
  if (shape.type !== "integer" && shape.type !== "number") return text;
  if (!/^-?\d+(\.\d+)?$/.test(text)) throw usage(`${flag} takes a number, not ${JSON.stringify(text.slice(0, 40))}.`);
  return Number(text);
}

export function splitPair(flag: string, text: string): [string, string] {
  const at = text.indexOf("=");
  if (at < 1) throw usage(`${flag} takes key=value, not ${JSON.stringify(text.slice(0, 40))}.`);
  return [text.slice(0, at).trim(), text.slice(at + 1).trim()];
}

export const parseLabels = (texts: readonly string[]): Record<string, string> =>
  Object.fromEntries(texts.map((t) => splitPair("--label", t)));

/** Milliseconds of `500ms`, `30s`, `2m`, `1h` or plain seconds. */
export function parseDuration(text: string): number {
  const m = /^(\d+(?:\.\d+)?)(ms|s|m|h)?$/.exec(text);
  if (!m) throw usage(`${JSON.stringify(text)} is not a duration; write 500ms, 30s or 2m.`);
  const unit = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }[(m[2] ?? "s") as "ms" | "s" | "m" | "h"];
  return Number(m[1]) * unit;
}
