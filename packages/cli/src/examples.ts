import type { Noun } from "@onehop/core";
import { createFlags } from "./fields.ts";
import { cell } from "./output/cell.ts";

/** Command lines made from the noun's own example, so that help never shows a flag that is not there. */
export function examplesOf(noun: Noun): { readonly create: string } {
  const words = ["onehop", noun.kind, "create", String(noun.example.name)];
  for (const { field, flag } of createFlags(noun)) {
    const value = noun.example[field];
    if (value !== undefined) words.push(`--${flag}`, cell(value));
  }
  return { create: words.join(" ") };
}
