import { type At, NOUNS } from "@onehop/core";
import { type Entry, withDefaults } from "@onehop/store";
import type { Thing } from "./index.ts";

const NOUN_BY_PLURAL = new Map(NOUNS.map((noun) => [noun.plural, noun]));

/** An object as it stands in the store, with the revision of its last change. */
export function parse(entry: Entry): At<Thing> {
  const object: At<Thing> = { ...JSON.parse(entry.value), revision: entry.mod_revision };
  const noun = NOUN_BY_PLURAL.get(entry.key.split("/").at(-2) ?? "");
  return noun ? withDefaults(noun, object) : object;
}
