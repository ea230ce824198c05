import type { At } from "@onehop/core";
import type { Entry } from "@onehop/store";
import type { Thing } from "./index.ts";

/** An object as it stands in the store, with the revision of its last change. */
export const parse = (entry: Entry): At<Thing> => ({ ...JSON.parse(entry.value), revision: entry.mod_revision });
