import { type At, type Noun, notFound, OnehopError } from "@onehop/core";
import { keys } from "@onehop/store";
import { sees } from "../auth/caller.ts";
import type { Context } from "../handlers/handler.ts";
import type { Thing } from "../handlers/index.ts";
import { isPartOf } from "../handlers/merge_patch.ts";
import { planChange, planCreate, planRemove } from "../handlers/objects.ts";
import { parse } from "../handlers/parse.ts";
import type { Snapshot } from "../handlers/snapshot.ts";
import type { Plan, Written } from "./attempt.ts";
import { checkPatch, newObject, patched } from "./bodies.ts";
import { keyOf as idempotencyKeyOf, type Remembered, type Retryable, remember, remembered } from "./idempotency.ts";
import { preconditionFailed } from "./refusals.ts";
import type { Writer } from "./writer.ts";

/** One write: who asks for what, and how it is recognised when it comes again. */
export interface Write {
  readonly writer: Writer;
  readonly noun: Noun;
  readonly context: Context;
  readonly retryable?: Retryable;
  /** Whether the revision is one that the caller expects; missing: any is. */
  readonly expects?: (revision: number) => boolean;
}

export async function create(write: Write, body: unknown): Promise<Written> {
  const given = newObject(write.noun, body, write.context);
  const plan = once(write, async (snapshot) => {
    const { draft, object } = await planCreate(snapshot, write.noun, given, write.context);
    return { draft, status: 201, object, exists: (found) => sameAgain(write, body, found) };
  });
  return write.writer.together(plan, { keys: readsOf(write), prefixes: rangesOf(write, given) });
}

export async function change(write: Write, id: string, patch: unknown): Promise<Written> {
  checkPatch(write.noun, patch, write.context);
  const plan = once(write, async (snapshot) => {
    const before = await existing(write, snapshot, id);
    const after = patched(write.noun, before, patch);
    if (isPartOf(after, before) && isPartOf(before, { ...after, revision: before.revision }))
      return { answer: { status: 200, object: before } };
    const stamped = { ...after, updated_at: write.context.now() };
    const { draft, object } = await planChange(snapshot, write.noun, { before, after: stamped }, write.context);
    return { draft, status: 200, object };
  });
  return write.writer.alone(plan);
}

export async function remove(write: Write, id: string): Promise<Written> {
  const plan = once(write, async (snapshot) => {
    const object = await existing(write, snapshot, id);
    return { draft: await planRemove(snapshot, write.noun, object, write.context), status: 204 };
  });
  // Nothing is ever below a port, so no creation planned beside it can lose its parent.
  const reads = { keys: [keys.object(write.noun.plural, id), ...readsOf(write)] };
  return write.noun.kind === "port" ? write.writer.together(plan, reads) : write.writer.alone(plan);
}

const readsOf = ({ retryable }: Write): string[] => (retryable ? [idempotencyKeyOf(retryable)] : []);

/** A port that leaves its address to us gets one that does not rest. */
const rangesOf = ({ noun }: Write, given: Thing): string[] =>
  noun.kind === "port" && !given.addresses ? [keys.restingAddressesOf(String(given.network_id))] : [];

/** The first answer where the request came before; else the plan, which stores its answer for the next time. */
function once({ retryable, context }: Write, plan: Plan): Plan {
  if (!retryable) return plan;
  return async (snapshot) => {
    const first = await remembered(snapshot, retryable);
    if (first) return { answer: replay(first) };
    const attempt = await plan(snapshot);
    if ("answer" in attempt) return attempt;
    const { draft, status, object } = attempt;
    await remember(draft, retryable, { status, body: object ?? null }, context.leases);
    return attempt;
  };
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
