import type { KeyRange } from "./messages.ts";

/** All keys with the prefix, from `from` on, as etcd's half-open range: up to the prefix with its last byte raised by one. */
export function rangeOf(prefix: string, from = prefix): KeyRange {
  // Etcd's words for "from the first key to the end".
  if (prefix === "") return { key: from || "\0", range_end: "\0" };
  const last = prefix.charCodeAt(prefix.length - 1);
  if (last >= 0x7f) throw new RangeError(`the prefix ${prefix} must end with an ASCII character`);
  return { key: from > prefix ? from : prefix, range_end: prefix.slice(0, -1) + String.fromCharCode(last + 1) };
}
