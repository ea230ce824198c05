import { createHash } from "node:crypto";

/** JSON with sorted keys and no blanks: equal values have equal text. Undefined members are left out. */
export function canonical(value: unknown): string {
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  const members = Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, member]) => `${JSON.stringify(name)}:${canonical(member)}`);
  return `{${members.join(",")}}`;
}

/** Half a SHA-256, hex: equal content has equal hash, whoever compiled it. */
export const hashOf = (text: string): string => createHash("sha256").update(text).digest("hex").slice(0, 32);
