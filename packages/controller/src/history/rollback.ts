import { conflict, type FieldError, type Kind, NOUNS, nounOf, OnehopError } from "@onehop/core";
import { keys, MAX_OPS, type Store } from "@onehop/store";
import { busy } from "../api/refusals.ts";
import { TRIES, type Writer } from "../api/writer.ts";
import { sees } from "../auth/caller.ts";
import { commit } from "../handlers/commit.ts";
import type { Context } from "../handlers/handler.ts";
import { parse } from "../handlers/parse.ts";
import { Snapshot } from "../handlers/snapshot.ts";
import { Overlay, OverlayFull } from "./overlay.ts";
import { planStep, type Step, stepsOf } from "./steps.ts";
import { changedFields, type Goal, goalOf, rank, type Target } from "./targets.ts";

export interface Rollback {
  readonly writer: Writer;
  readonly context: Context;
  readonly vpcId: string;
  /** The VPC becomes what it was when this revision had just been written. */
  readonly to: number;
}

/** What a rollback does to one object, or did. */
export interface Outcome {
  readonly action: "create" | "update" | "delete" | "keep";
  readonly kind: Kind;
  readonly id: string;
  readonly name: string;
  /** Of an update: by field, what it was and what it becomes. */
  readonly fields?: Readonly<Record<string, { readonly from: unknown; readonly to: unknown }>>;
  /** Fields that were left as they are, since only admins may set them. */
  readonly kept?: readonly string[];
}

export interface RolledBack {
  readonly vpc_id: string;
  readonly to_revision: number;
  readonly changes: readonly Outcome[];
  /** All of it in one transaction; several are taken only where it is larger than the store's transactions can be. */
  readonly at_once: boolean;
  /** Of the last transaction. */
  readonly revision?: number;
}

/** Tries all of it and writes nothing. Throws 409 with everything that stands in the way. */
export async function tryRollback(rollback: Rollback): Promise<RolledBack> {
  const { goal, overlay } = await rehearsed(rollback);
  return { ...answer(rollback, goal), at_once: await overlay.fits() };
}

/**
 * Brings a VPC back to what it was: in one transaction where that is large enough; else in several, in an order in which
 * each leaves the VPC sound, after all of it was tried. A retry does what is left.
 */
export async function rollBack(rollback: Rollback): Promise<RolledBack> {
  const { writer } = rollback;
  const first = await look(rollback);
  if (first.steps.length === 0) return { ...answer(rollback, first.goal), at_once: true };
  if (first.steps.length <= MAX_OPS)
    for (let i = 0; i < TRIES; i++) {
      const done = await writer.turns.take(() => atOnce(rollback));
      if (done === "too large") break;
      if (done) return done;
    }
  return inParts(rollback);
}

async function look(rollback: Rollback): Promise<{ goal: Goal; steps: Step[] }> {
  const { writer, context, vpcId, to } = rollback;
  const goal = await goalOf({ store: writer.store, caller: context.caller, vpcId }, to);
  return { goal, steps: stepsOf(goal.targets) };
}

const answer = ({ vpcId, to }: Rollback, { targets }: Goal) => ({
  vpc_id: vpcId,
  to_revision: to,
  changes: targets.map(outcomeOf).sort((a, b) => place(a) - place(b)),
});

/** As it is done: children are deleted first, and changed and made last. */
function place({ action, kind }: Outcome): number {
  const at = rank(nounOf(kind));
  if (action === "delete") return -at;
  return action === "create" ? NOUNS.length + at : at;
}

function outcomeOf({ noun, id, wanted, current, kept }: Target): Outcome {
  const what = { kind: noun.kind, id, name: (wanted ?? current)!.name, ...(kept.length > 0 ? { kept } : {}) };
  if (!wanted || !current) return { action: wanted ? "create" : "delete", ...what };
  const changed = changedFields(noun, current, wanted);
  const fields = Object.fromEntries(changed.map((f) => [f, { from: current[f] ?? null, to: wanted[f] ?? null }]));
  return changed.length === 0 ? { action: "keep", ...what } : { action: "update", ...what, fields };
}

/** Undefined: somebody else wrote meanwhile. */
async function atOnce(rollback: Rollback): Promise<RolledBack | "too large" | undefined> {
  const { goal, steps } = await look(rollback);
  const overlay = await rehearse(rollback, goal, steps);
  if (!overlay) return undefined;
  if (!(await overlay.fits())) return "too large";
  const revision = await rollback.writer.write(await overlay.net(), rollback.vpcId);
  return revision === undefined ? undefined : { ...answer(rollback, goal), at_once: true, revision };
}

async function inParts(rollback: Rollback): Promise<RolledBack> {
  const { writer } = rollback;
  const all = answer(rollback, (await rehearsed(rollback)).goal);
  let revision: number | undefined;
  for (let fruitless = 0; fruitless < TRIES; fruitless++) {
    let { goal, steps } = await look(rollback);
    while (steps.length > 0) {
      const part = await writer.turns.take(() => writePart(rollback, goal, steps));
      if (!part) break;
      fruitless = 0;
      revision = part.revision;
      steps = steps.slice(part.done);
      goal = { ...goal, revision };
    }
    if (steps.length === 0) return { ...all, at_once: false, ...(revision === undefined ? {} : { revision }) };
  }
  throw busy();
}

/** Writes as many of the steps as fit a transaction; undefined: somebody else wrote meanwhile. */
async function writePart(rollback: Rollback, goal: Goal, steps: readonly Step[]) {
  const overlay = new Overlay(rollback.writer.store, goal.revision, MAX_OPS);
  await warm(overlay, steps.slice(0, AHEAD), rollback);
  let done = 0;
  try {
    for (const step of steps) {
      const problem = await apply(overlay, step, rollback);
      if (problem instanceof OnehopError) throw inTheMidst(rollback, goal, { step, problem });
      if (problem === "again") return undefined;
      done++;
    }
  } catch (error) {
    if (!(error instanceof OverlayFull && done > 0)) throw error;
  }
  const revision = await rollback.writer.write(await overlay.net(), rollback.vpcId);
  return revision === undefined ? undefined : { done, revision };
}

const inTheMidst = ({ to }: Rollback, { vpcName }: Goal, { step, problem }: Refused) =>
  conflict(
    "rollback_interrupted",
    `Rolling VPC ${vpcName} back to revision ${to} met ${nameOf(step)}: ${problem.message}`,
    {
      hint: "Others write at the same time. What is done stays; the same command does what is left.",
    },
  );

/** Looks and rehearses until nobody wrote in between. */
async function rehearsed(rollback: Rollback): Promise<{ goal: Goal; overlay: Overlay }> {
  for (let i = 0; i < TRIES; i++) {
    const { goal, steps } = await look(rollback);
    const overlay = await rehearse(rollback, goal, steps);
    if (overlay) return { goal, overlay };
  }
  throw busy();
}

/** Does all steps on an overlay; throws 409 with what refuses. Undefined: somebody else wrote meanwhile. */
async function rehearse(rollback: Rollback, goal: Goal, steps: readonly Step[]): Promise<Overlay | undefined> {
  const overlay = new Overlay(rollback.writer.store, goal.revision);
  const refused: Refused[] = [];
  for (const [i, step] of steps.entries()) {
    if (i % AHEAD === 0) await warm(overlay, steps.slice(i, i + AHEAD), rollback);
    if (dependsOn(step, refused)) continue;
    const problem = await apply(overlay, step, rollback);
    if (problem === "again") return undefined;
    if (problem) refused.push({ step, problem });
  }
  if (refused.length > 0) throw await refusalOf(rollback, goal, refused);
  return overlay;
}

interface Refused {
  readonly step: Step;
  readonly problem: OnehopError;
}

/** Whether a step can only fail because another one did. */
const dependsOn = ({ wanted }: Step, refused: readonly Refused[]): boolean =>
  refused.some(({ step }) => Object.values(wanted ?? {}).includes(step.id));

async function apply(
  overlay: Overlay,
  step: Step,
  { context, to }: Rollback,
): Promise<OnehopError | "again" | undefined> {
  try {
    const snapshot = new Snapshot(overlay);
    const draft = await planStep(snapshot, step, { ...context, restoring: to });
    if (!draft) return "again";
    const [fate] = await commit(snapshot, [draft]);
    if ("refused" in fate!) return fate.refused;
    return "done" in fate! ? undefined : "again";
  } catch (error) {
    if (error instanceof OnehopError) return error;
    throw error;
  }
}

/** Steps whose reads are begun together, since each would wait for the store alone: as many as a transaction may hold. */
const AHEAD = 32;

/** Has the overlay read what these steps will ask for, planning each for nothing else. */
async function warm(overlay: Overlay, steps: readonly Step[], { context, to }: Rollback): Promise<void> {
  const plan = async (step: Step): Promise<void> => {
    const draft = await planStep(new Snapshot(overlay), step, { ...context, restoring: to });
    if (!draft) return;
    const keysOf = [...draft.claims.map((c) => c.key), ...draft.puts.keys(), ...draft.deletes];
    await Promise.all([
      ...keysOf.map((key) => overlay.get(key)),
      ...draft.unused.map(({ prefix }) => overlay.range({ prefix })),
    ]);
  };
  // What is in a step's way is told when its turn comes.
  await Promise.allSettled(steps.map(plan));
}

const nameOf = ({ noun, name }: Step): string => `${noun.kind} ${name}`;

async function refusalOf({ writer, context, to }: Rollback, { vpcName }: Goal, refused: readonly Refused[]) {
  const errors: FieldError[] = [];
  const used_by: User[] = [];
  for (const { step, problem } of refused) {
    const users = await usersIn(writer.store, context, problem);
    used_by.push(...users);
    // People know the taker by its name.
    const sentence = users.reduce((text, u) => text.replace(u.id, `${u.kind} ${u.name}`), problem.message);
    errors.push({ pointer: "", detail: `${nameOf(step)}: ${sentence}` });
  }
  return conflict("rollback_conflict", `VPC ${vpcName} cannot be rolled back to revision ${to}: ${errors[0]!.detail}`, {
    errors,
    hint: "Nothing was changed. Change what stands in the way, or roll back to a later revision.",
    ...(used_by.length > 0 ? { fields: { used_by } } : {}),
  });
}

interface User {
  readonly kind: string;
  readonly id: string;
  readonly name?: string;
}

/** The objects that a refusal speaks of, those that the caller may see. */
async function usersIn(store: Store, { caller }: Context, { detail: { fields } }: OnehopError): Promise<User[]> {
  if (Array.isArray(fields?.used_by)) return fields.used_by;
  const id = fields?.held_by;
  if (typeof id !== "string") return [];
  const found = await Promise.all(NOUNS.map(async (n) => ({ n, entry: await store.get(keys.object(n.plural, id)) })));
  return found.flatMap(({ n, entry }) => {
    if (!entry) return [];
    const { name, project_id } = parse(entry);
    return sees(caller, String(project_id)) ? [{ kind: n.kind, id, name }] : [];
  });
}
