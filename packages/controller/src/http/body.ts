import { invalid } from "@onehop/core";

/** Levels of nesting that any body of ours needs, and some more. Deeper ones exhaust the stack of what walks through them. */
const DEEPEST = 16;

/** The body's JSON; undefined where there is none. Throws 400 with a sentence. */
export function parseBody(text: string): unknown {
  if (text === "") return undefined;
  if (isTooDeep(text)) throw invalid("", `The body is nested deeper than ${DEEPEST} levels.`);
  try {
    return JSON.parse(text);
  } catch (error) {
    const why = error instanceof Error ? error.message.slice(0, 120) : "";
    throw invalid("", `The body is not valid JSON: ${why}.`);
  }
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
