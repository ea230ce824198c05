import { NOUNS } from "@onehop/core";
import type { ObjectDocument } from "./documents.ts";

/** Documents by their nouns; those of one noun stay in the file's order. */
export function inOrder(
  documents: readonly ObjectDocument[],
  order: "parents first" | "children first",
): ObjectDocument[] {
  const rank = (d: ObjectDocument): number => NOUNS.findIndex((n) => n.kind === d.noun.kind);
  const sorted = [...documents].sort((a, b) => rank(a) - rank(b));
  return order === "parents first" ? sorted : sorted.reverse();
}
