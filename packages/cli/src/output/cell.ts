/** A value as one short text: lists by commas, objects by key=value, nothing as a dash. */
export function cell(value: unknown): string {
  if (value === undefined || value === null || value === "") return "-";
  if (Array.isArray(value)) return value.length ? value.map(cell).join(",") : "-";
  if (typeof value === "object") {
    const pairs = Object.entries(value);
    return pairs.length ? pairs.map(([k, v]) => `${k}=${cell(v)}`).join(",") : "-";
  }
  // Text from the store must not move the reader's cursor or colour his terminal.
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is removed.
  return String(value).replace(/[\u0000-\u001f\u007f-\u009f]/g, "?");
}
