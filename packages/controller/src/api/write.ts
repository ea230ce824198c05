import { type At, type Noun, notFound, OnehopError } from "@onehop/core";
import { keys, type Store, StoreError } from "@onehop/store";
import { sees } from "../auth/caller.ts";
import { commit, type Fate } from "../handlers/commit.ts";
import type { Draft } from "../handlers/draft.ts";
import type { Context } from "../handlers/handler.ts";
import type { Thing } from "../handlers/index.ts";
import { isPartOf } from "../handlers/merge_patch.ts";
import { parse, planChange, planCreate, planRemove } from "../handlers/objects.ts";
import { Snapshot } from "../handlers/snapshot.ts";
import { checkPatch, newObject, patched } from "./bodies.ts";
import { type Remembered, type Retryable, remember, remembered } from "./idempotency.ts";
import { busy, preconditionFailed } from "./refusals.ts";

/** Plans of one write before it counts as hopeless; each lost race means that somebody else's write was done. */
const TRIES = 40;

/** The answer to a write: `object` is missing after a deletion. */
export interface Written {
  readonly status: number;
  readonly object?: At<Thing>;
  /** The first answer, given again. */
  readonly replayed?: true;
}

/** One write: who asks for what, and how it is recognised when it comes again. */
export interface Write {
  readonly store: Store;
  readonly noun: Noun;
  readonly context: Context;
  readonly retryable?: Retryable;
  /** Whether the revision is one that the caller expects; missing: any is. */
  readonly expects?: (revision: number) => boolean;
}

/** What one attempt came to: an answer that needs no write, or a draft and the answer once it is written. */
type Attempt =
  | { readonly answer: Written }
  | { readonly draft: Draft; readonly status: number; readonly object?: Thing; readonly exists?: Exists };
type Exists = (found: At<Thing>) => Written;

export async function create(write: Write, body: unknown): Promise<Written> {
  const given = newObject(write.noun, body, write.context);
  return attempts(write, async (snapshot) => {
    const { draft, object } = await planCreate(snapshot, write.noun, given, write.context);
    return { draft, status: 201, object, exists: (found) => sameAgain(write, body, found) };
  });
}

export async function change(write: Write, id: string, patch: unknown): Promise<Written> {
  checkPatch(write.noun, patch, write.context);
  return attempts(write, async (snapshot) => {
    const before = await existing(write, snapshot, id);
    const after = patched(write.noun, before, patch);
    if (isPartOf(after, before) && isPartOf(before, { ...after, revision: before.revision }))
      return { answer: { status: 200, object: before } };
    const stamped = { ...after, updated_at: write.context.now() };
    const { draft, object } = await planChange(snapshot, write.noun, { before, after: stamped }, write.context);
    return { draft, status: 200, object };
  });
}

export async function remove(write: Write, id: string): Promise<Written> {
  return attempts(write, async (snapshot) => {
    const object = await existing(write, snapshot, id);
    return { draft: await planRemove(snapshot, write.noun, object, write.context), status: 204 };
  });
}

/** Plans and commits until one sticks. */
async function attempts(write: Write, plan: (snapshot: Snapshot) => Promise<Attempt>): Promise<Written> {
  const { retryable, context, store } = write;
  for (let i = 0; i < TRIES; i++) {
    const snapshot = new Snapshot(store);
    const first = retryable && (await remembered(snapshot, retryable));
    if (first) return replay(first);
    const attempt = await plan(snapshot);
    if ("answer" in attempt) return attempt.answer;
    const { draft, status, object } = attempt;
    if (retryable) await remember(draft, retryable, { status, body: object ?? null }, context.leases);
    const [fate] = await commitOrForget(snapshot, [draft], context);
    const answer = answerOf(attempt, fate!);
    if (answer) return answer;
  }
  throw busy();
}

/** As commit; a lease that the store has lost meanwhile is replaced by the next try. */
export async function commitOrForget(snapshot: Snapshot, drafts: readonly Draft[], context: Context): Promise<Fate[]> {
  try {
    return await commit(snapshot, drafts);
  } catch (error) {
    if (!(error instanceof StoreError && error.code === "lease_gone")) throw error;
    context.leases.forget();
    return drafts.map(() => ({ again: true }));
  }
}

function answerOf(attempt: Exclude<Attempt, { answer: Written }>, fate: Fate): Written | undefined {
  if ("refused" in fate) throw fate.refused;
  if ("exists" in fate) return attempt.exists?.(parse(fate.exists));
  if ("again" in fate) return undefined;
  return { status: attempt.status, ...(attempt.object ? { object: { ...attempt.object, revision: fate.done } } : {}) };
}

const replay = ({ status, body, revision }: Remembered): Written => ({
  status,
  ...(body ? { object: { ...body, revision } } : {}),
  replayed: true,
});

/** The object that a creation met: the same request come again, or another one's id. */
export function sameAgain(
  { noun, context }: Pick<Write, "noun" | "context">,
  body: unknown,
  found: At<Thing>,
): Written {
  const mine = noun.scope === "global" || sees(context.caller, projectOf(noun, found));
  if (mine && isPartOf(body, found)) return { status: 200, object: found };
  throw new OnehopError({
    code: "id_taken",
    status: 409,
    message: `The id ${found.id} is that of another ${noun.kind}.`,
    errors: [{ pointer: "/id", detail: "is taken" }],
    hint: "To change an object, PATCH it; to create another, choose another id.",
  });
}

export const projectOf = (noun: Noun, object: Thing): string =>
  String(noun.kind === "project" ? object.id : object.project_id);

/** The object to change, if the caller may see it and expects it at this revision. */
async function existing({ noun, context, expects }: Write, snapshot: Snapshot, id: string): Promise<At<Thing>> {
  const entry = await snapshot.get(keys.object(noun.plural, id));
  const object = entry && parse(entry);
  if (!object || (noun.scope === "project" && !sees(context.caller, projectOf(noun, object))))
    throw notFound(noun.kind, id);
  if (expects && !expects(object.revision)) throw preconditionFailed(noun.kind, object.name, object.revision);
  return object;
}
