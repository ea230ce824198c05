import { conflict, type Noun } from "@onehop/core";
import { keys } from "@onehop/store";
import type { Draft } from "../handlers/draft.ts";
import type { Context } from "../handlers/handler.ts";
import type { Thing } from "../handlers/index.ts";
import { planChange, planCreate, planRemove } from "../handlers/objects.ts";
import { parse } from "../handlers/parse.ts";
import type { Snapshot } from "../handlers/snapshot.ts";
import { changedFields, rank, type Target } from "./targets.ts";

/** One write of a rollback. */
export interface Step {
  readonly action: "delete" | "update" | "create";
  readonly noun: Noun;
  readonly id: string;
  readonly name: string;
  /** Missing where it is deleted. */
  readonly wanted?: Thing;
}

/**
 * Writes that bring the targets about, in an order in which each is allowed: what is too much goes first, children before
 * parents; then what differs is changed; then what is missing is made, parents before children. Changed routes are
 * deleted and made anew, since their next hops and the VPC's ranges hold each other; changed names are put aside first,
 * since objects may have exchanged them.
 */
export function stepsOf(targets: readonly Target[]): Step[] {
  const parentsFirst = [...targets].sort((a, b) => rank(a.noun) - rank(b.noun));
  const deletes: Step[] = [];
  const aside: Step[] = [];
  const updates: Step[] = [];
  const creates: Step[] = [];
  for (const target of parentsFirst) {
    const { noun, id, wanted, current } = target;
    const step = (action: Step["action"]): Step => {
      const name = (wanted ?? current)!.name;
      return { action, noun, id, name, ...(wanted && action !== "delete" ? { wanted } : {}) };
    };
    if (current && (!wanted || isAnew(target))) deletes.unshift(step("delete"));
    if (wanted && (!current || isAnew(target))) creates.push(step("create"));
    if (!wanted || !current || isAnew(target) || changedFields(noun, current, wanted).length === 0) continue;
    if (wanted.name !== current.name)
      aside.push({ ...step("update"), wanted: { ...current, name: `${noun.kind}-${id}` } });
    updates.push(step("update"));
  }
  return [...deletes, ...aside, ...updates, ...creates];
}

/** Whether an object must be deleted and made again: a route, or another object that has been given the same id. */
function isAnew({ noun, wanted, current }: Target): boolean {
  if (!wanted || !current) return false;
  const changed = changedFields(noun, current, wanted);
  const forLife = changed.some((f) => f !== "name" && f !== "labels" && !noun.fields[f]?.mutable);
  if (forLife && noun.kind === "vpc")
    throw conflict("vpc_not_yet", `The VPC ${current.name} is not the one that had its id at that revision.`);
  return changed.length > 0 && (forLife || noun.kind === "route");
}

/** The step as a draft, checked like any write; undefined where somebody has done it, or undone its ground, meanwhile. */
export async function planStep(snapshot: Snapshot, step: Step, context: Context): Promise<Draft | undefined> {
  const { noun, id, wanted } = step;
  const entry = await snapshot.get(keys.object(noun.plural, id));
  const current = entry && parse(entry);
  if (step.action === "delete") return current && planRemove(snapshot, noun, current, context);
  const stamped = { ...wanted!, updated_at: context.now() };
  if (step.action === "create") return current ? undefined : (await planCreate(snapshot, noun, stamped, context)).draft;
  if (!current) return undefined;
  // What the system derived belongs to the present: a port's binding only ever gets newer.
  const derived = Object.keys(noun.fields).filter((f) => noun.fields[f]?.mode === "derived");
  const { revision: _, ...after } = {
    ...stamped,
    ...Object.fromEntries(derived.map((f) => [f, current[f]])),
  } as Thing & {
    revision?: number;
  };
  return (await planChange(snapshot, noun, { before: current, after: after as Thing }, context)).draft;
}
