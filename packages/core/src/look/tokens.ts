/** An expression that is none: where, counted in characters from 1, and what is wrong. */
export class FilterError extends Error {
  readonly position: number;
  /** `at` counts from 0. */
  constructor(at: number, problem: string) {
    super(`The filter ${problem}, at character ${at + 1}.`);
    this.name = "FilterError";
    this.position = at + 1;
  }
}

export interface Token {
  readonly text: string;
  /** Characters before it. */
  readonly at: number;
}

const TOKEN = /\s+|\(|\)|&&|\|\||!|[A-Za-z0-9./:_-]+/y;

/** Words, numbers, brackets and signs; the last one is empty. */
export function tokens(text: string): Token[] {
  const found: Token[] = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < text.length) {
    const at = TOKEN.lastIndex;
    const [word] = TOKEN.exec(text) ?? [];
    if (word === undefined) throw new FilterError(at, `has ${JSON.stringify(text[at])}, which means nothing`);
    if (word.trim() !== "") found.push({ text: word.toLowerCase(), at });
  }
  found.push({ text: "", at: text.length });
  return found;
}
