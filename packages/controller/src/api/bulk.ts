import { createHash } from "node:crypto";
import { setImmediate as breathe } from "node:timers/promises";
import { bulkSchema, checkAndFill } from "@onehop/api";
import { type At, type FieldError, OnehopError, port } from "@onehop/core";
import { keys } from "@onehop/store";
import { type Fate, groups } from "../handlers/commit.ts";
import { type Draft, PlannedAlready } from "../handlers/draft.ts";
import type { Thing } from "../handlers/index.ts";
import { type Planned, planCreate } from "../handlers/objects.ts";
import { parse } from "../handlers/parse.ts";
import type { Snapshot } from "../handlers/snapshot.ts";
import { refuseForbidden, stamp } from "./bodies.ts";
import { type Retryable, remember, remembered } from "./idempotency.ts";
import { busy, refuseBody } from "./refusals.ts";
import { sameAgain, type Write } from "./write.ts";
import { TRIES } from "./writer.ts";

/** Items planned before everything else in the process gets its turn. */
const PLANNED_AT_ONCE = 100;
/** Items written before other writers of this process have their turn. */
const WRITTEN_AT_ONCE = 200;
/** Reads in flight at once. */
const READS = 256;

/** What became of one item. */
export type ItemResult =
  | { readonly status: number; readonly object: At<Thing> }
  | { readonly status: number; readonly problem: OnehopError };

interface Item {
  readonly index: number;
  /** As the user gave it. */
  readonly body: unknown;
  readonly given: Thing;
}
interface Planning extends Planned {
  readonly item: Item;
}

const checkBulk = checkAndFill(bulkSchema(port));

/**
 * Creates many objects. All are planned before any is written, so that a wrong one refuses the whole request with nothing
 * stored; then they are written some at a time, and those that lose a race have their own result.
 */
export async function createMany(write: Write, body: unknown): Promise<ItemResult[]> {
  const items = checkedItems(write, body);
  const results: ItemResult[] = [];
  const { writer } = write;
  const again = write.retryable && (await remembered(writer.read(), write.retryable));
  let todo = again ? await withoutExisting(write, items, results) : items;
  let { problems } = await planAll(write, writer.read(), todo);
  if (problems.size > 0 && !again) {
    // What refuses a retry may be what its first try has made.
    todo = await withoutExisting(write, items, results);
    ({ problems } = await planAll(write, writer.read(), todo));
  }
  // Where some are there already, the others get a result of their own.
  if (problems.size > 0 && todo.length === items.length) throw refuseAll(problems);
  const remembering = again ? undefined : write.retryable;
  for (let i = 0; i < todo.length; i += WRITTEN_AT_ONCE)
    await writeSome(write, todo.slice(i, i + WRITTEN_AT_ONCE), {
      results,
      ...(i === 0 && remembering ? { remembering } : {}),
    });
  return results;
}

interface Progress {
  readonly results: ItemResult[];
  /** To be remembered with the first item that is written. */
  readonly remembering?: Retryable;
}

/** Writes items until each has its result; what loses a race is planned anew. */
async function writeSome(write: Write, items: readonly Item[], progress: Progress): Promise<void> {
  const { results } = progress;
  let left = items;
  for (let fruitless = 0; left.length > 0 && fruitless < TRIES; ) {
    await write.writer.turns.take(() => writeGroups(write, left, progress));
    const next = left.filter((item) => results[item.index] === undefined);
    fruitless = next.length < left.length ? 0 : fruitless + 1;
    left = next;
  }
  for (const { index } of left) results[index] = { status: 503, problem: busy() };
}

/** Writes group by group, until one fails. */
async function writeGroups(write: Write, items: readonly Item[], { results, remembering }: Progress): Promise<void> {
  let snapshot = write.writer.guess();
  let { plans, problems } = await planAll(write, snapshot, items);
  if (problems.size > 0 && snapshot.guessed) {
    snapshot = write.writer.read();
    ({ plans, problems } = await planAll(write, snapshot, items));
  }
  for (const [item, problem] of problems) results[item.index] = { status: problem.detail.status, problem };
  if (remembering && plans[0] && !(await remembered(snapshot, remembering)))
    await remember(plans[0].draft, remembering, { status: 200, body: null }, write.context.leases);
  const byDraft = new Map<Draft, Planning>(plans.map((p) => [p.draft, p]));
  for (const group of groups(plans.map((p) => p.draft))) {
    const fates = await write.writer.commit(snapshot, group);
    for (const [i, fate] of fates.entries()) {
      const planned = byDraft.get(group[i]!)!;
      const result = resultOf(write, planned, fate);
      if (result) results[planned.item.index] = result;
    }
    // What follows was planned upon what has just proved old.
    if (!("done" in fates[0]!)) return;
  }
}

function resultOf(write: Write, { item, object }: Planning, fate: Fate): ItemResult | undefined {
  if ("again" in fate) return undefined;
  if ("done" in fate) return { status: 201, object: { ...object, revision: fate.done } };
  if ("refused" in fate) return { status: fate.refused.detail.status, problem: fate.refused };
  return retried(write, item, parse(fate.exists));
}

function retried(write: Write, item: Item, found: At<Thing>): ItemResult {
  try {
    const { status, object } = sameAgain(write, item.body, found);
    return { status, object: object! };
  } catch (problem) {
    if (!(problem instanceof OnehopError)) throw problem;
    return { status: problem.detail.status, problem };
  }
}

async function planAll(write: Write, snapshot: Snapshot, items: readonly Item[]) {
  const plans: Planning[] = [];
  const problems = new Map<Item, OnehopError>();
  for (const [i, item] of items.entries()) {
    if (i % PLANNED_AT_ONCE === PLANNED_AT_ONCE - 1) await breathe();
    try {
      const planned = await planCreate(snapshot, write.noun, item.given, write.context);
      await snapshot.adopt(planned.draft);
      plans.push({ ...planned, item });
    } catch (problem) {
      if (problem instanceof OnehopError) problems.set(item, problem);
      else if (!(problem instanceof PlannedAlready)) throw problem;
    }
  }
  return { plans, problems };
}

/** Items that are there already get their result; the others are answered. */
async function withoutExisting(write: Write, items: readonly Item[], results: ItemResult[]): Promise<Item[]> {
  const missing: Item[] = [];
  for (let i = 0; i < items.length; i += READS) {
    const some = items.slice(i, i + READS);
    const found = await Promise.all(
      some.map((it) => write.writer.store.get(keys.object(write.noun.plural, it.given.id))),
    );
    for (const [j, entry] of found.entries()) {
      const item = some[j]!;
      if (entry) results[item.index] = retried(write, item, parse(entry));
      else missing.push(item);
    }
  }
  return missing;
}

function checkedItems(write: Write, body: unknown): Item[] {
  const filled = structuredClone(body);
  refuseBody(checkBulk(filled));
  const originals = (body as { items: unknown[] }).items;
  const given = (filled as { items: Record<string, unknown>[] }).items;
  for (const [i, fields] of given.entries()) underItem(i, () => refuseForbidden(write.noun, fields, write.context));
  return given.map((fields, index) => {
    const id = fields.id ?? (write.retryable && idOf(write.retryable, index));
    return { index, body: originals[index], given: stamp(write.noun, id ? { ...fields, id } : fields, write.context) };
  });
}

function underItem(index: number, check: () => void): void {
  try {
    check();
  } catch (error) {
    if (!(error instanceof OnehopError)) throw error;
    throw new OnehopError({ ...error.detail, errors: pointersUnder(index, error) });
  }
}

/** The id that a retry with the same key finds again. Laid out as a UUID of version 8 (RFC 9562 section 5.8). */
function idOf({ who, key }: Retryable, index: number): string {
  const hex = createHash("sha256")
    .update(JSON.stringify([who, key, index]))
    .digest("hex");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

const pointersUnder = (index: number, error: OnehopError): FieldError[] =>
  (error.detail.errors ?? [{ pointer: "", detail: error.message }]).map((e) => ({
    pointer: `/items/${index}${e.pointer}`,
    detail: e.detail,
  }));

/** One refusal for all items that are wrong, under the first one's code; nothing was stored. */
function refuseAll(problems: ReadonlyMap<Item, OnehopError>): OnehopError {
  const all = [...problems];
  const [item, problem] = all.find(([, p]) => p.detail.status === 400) ?? all[0]!;
  const more = all.length > 1 ? ` (and ${all.length - 1} more items are wrong)` : "";
  return new OnehopError({
    ...problem.detail,
    message: `Item ${item.index}: ${problem.message}${more}`,
    errors: all.slice(0, 100).flatMap(([it, p]) => pointersUnder(it.index, p)),
  });
}
