import type { At } from "@onehop/core";
import type { Fate } from "../handlers/commit.ts";
import type { Draft } from "../handlers/draft.ts";
import type { Thing } from "../handlers/index.ts";
import { parse } from "../handlers/parse.ts";
import type { Snapshot } from "../handlers/snapshot.ts";

/** The answer to a write: `object` is missing after a deletion. */
export interface Written {
  readonly status: number;
  readonly object?: At<Thing>;
  /** The first answer, given again. */
  readonly replayed?: true;
}

/** A write planned upon a snapshot; throws OnehopError to refuse it. May be called again, upon a newer one. */
export type Plan = (snapshot: Snapshot) => Promise<Attempt>;

/** What planning came to: an answer that needs no write, or a draft and the answer once it is written. */
export type Attempt = { readonly answer: Written } | Drafted;

export interface Drafted {
  readonly draft: Draft;
  readonly status: number;
  readonly object?: Thing;
  /** The answer where an object with the same id is there already. */
  readonly exists?: (found: At<Thing>) => Written;
}

/** The answer to a draft's fate; undefined: plan anew. Throws the refusal. */
export function answerOf(drafted: Drafted, fate: Fate): Written | undefined {
  if ("refused" in fate) throw fate.refused;
  if ("exists" in fate) return drafted.exists?.(parse(fate.exists));
  if ("again" in fate) return undefined;
  const { status, object } = drafted;
  return { status, ...(object ? { object: { ...object, revision: fate.done } } : {}) };
}
