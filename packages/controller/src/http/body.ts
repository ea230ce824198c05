import { invalid } from "@onehop/core";

/** Levels of nesting that any body of ours needs, and some more. Deeper ones exhaust the stack of what walks through them. */
const DEEPEST = 16;

/** The body's JSON; undefined where there is none. Throws 400 with a sentence. */
export function parseBody(text: string): unknown {
  if (text === "") return undefined;
  if (isTooDeep(text)) throw invalid("", `The body is nested deeper than ${DEEPEST} levels.`);
  const value = parse(text);
  const repeated = repeatedMember(text);
  if (repeated !== undefined)
    throw invalid("", `The body has ${JSON.stringify(repeated.slice(0, 80))} twice in one object.`);
  return value;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const why = error instanceof Error ? error.message.slice(0, 120) : "";
    throw invalid("", `The body is not valid JSON: ${why}.`);
  }
}

const TOKEN = /"([^"\\]*(?:\\.[^"\\]*)*)"(\s*:)?|[{}[\]]/g;

/** A name that an object of valid JSON has twice. Which of the two is meant is not ours to guess (RFC 8259 section 4). */
function repeatedMember(text: string): string | undefined {
  const open: Set<string>[] = [];
  for (const [token, raw, colon] of text.matchAll(TOKEN)) {
    if (token === "{" || token === "[") open.push(new Set());
    else if (token === "}" || token === "]") open.pop();
    else if (raw !== undefined && colon !== undefined) {
      const name = raw.includes("\\") ? (JSON.parse(`"${raw}"`) as string) : raw;
      const names = open.at(-1);
      if (names?.has(name)) return name;
      names?.add(name);
    }
  }
  return undefined;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

function isTooDeep(text: string): boolean {
  let depth = 0;
  let quoted = false;
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (quoted) {
      if (c === BACKSLASH) i++;
      else if (c === QUOTE) quoted = false;
    } else if (c === QUOTE) quoted = true;
    else if (c === 0x7b || c === 0x5b) depth++;
    else if (c === 0x7d || c === 0x5d) depth--;
    if (depth > DEEPEST) return true;
  }
  return false;
}
