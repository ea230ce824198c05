/** Rows by their key's text, made of one thing. It is never changed: who sees the same object knows its rows. */
export type Part<Row> = ReadonlyMap<string, Row>;

/** How many rows there are at most: fewer where parts share keys. */
export const sizeOf = (parts: readonly Part<unknown>[]): number => parts.reduce((sum, { size }) => sum + size, 0);

/** All rows; of those with the same key the first one. */
export function merged<Row>(parts: readonly Part<Row>[]): Part<Row> {
  const [only] = parts;
  if (only && parts.length === 1) return only;
  const rows = new Map<string, Row>();
  for (const part of parts) for (const [text, row] of part) if (!rows.has(text)) rows.set(text, row);
  return rows;
}
