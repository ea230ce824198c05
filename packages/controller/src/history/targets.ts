import { isDeepStrictEqual } from "node:util";
import { type At, conflict, invalid, type Kind, NOUNS, type Noun, nounOf } from "@onehop/core";
import { keys } from "@onehop/store";
import type { Caller } from "../auth/caller.ts";
import type { Thing } from "../handlers/index.ts";
import { parse } from "../handlers/parse.ts";
import { type Place, readRecords, recordKeys } from "./read.ts";

/** An object of the VPC that changed since: as it is to be, and as it is. Missing: it is not to be there; it is not there. */
export interface Target {
  readonly noun: Noun;
  readonly id: string;
  readonly wanted?: Thing;
  readonly current?: At<Thing>;
  /** Fields that only admins may set, left as they are since the caller is none. */
  readonly kept: readonly string[];
}

export interface Goal {
  /** Of the store, when it was looked at. */
  readonly revision: number;
  readonly vpcName: string;
  /** Only what differs, in no order. */
  readonly targets: readonly Target[];
}

/** What a VPC was at a revision, by what its history says of the time since. Throws 409 where it does not reach back. */
export async function goalOf(place: Place, to: number): Promise<Goal> {
  const { entries, revision } = await recordKeys(place);
  if (to > revision) throw invalid("/to_revision", `has not happened yet: the store is at revision ${revision}`);
  const later = entries.filter((e) => e.mod_revision > to);
  const records = await readRecords(place, later);
  const first = new Map<string, { kind: Kind; id: string; before?: Thing }>();
  for (const { changes } of records)
    for (const { kind, id, before } of changes)
      if (!first.has(id)) first.set(id, { kind, id, ...(before ? { before } : {}) });
  const vpc = first.get(place.vpcId);
  if (vpc && !vpc.before) throw notYet(place, to);
  if (records.length < later.length || to < (entries[0]?.mod_revision ?? Number.POSITIVE_INFINITY))
    throw forgotten(entries[0]?.mod_revision, to);
  const targets = await Promise.all([...first.values()].map((f) => targetOf(place, f)));
  const there = (await currentOf(place, nounOf("vpc"), place.vpcId)) ?? vpc?.before;
  if (!there) throw conflict("vpc_deleted", `The VPC was deleted before revision ${to}, or at it.`, { hint: HISTORY });
  return { revision, vpcName: there.name, targets: targets.filter(differs) };
}

const HISTORY = "onehop vpc history shows the revisions.";

const notYet = ({ vpcId }: Place, to: number) =>
  conflict("vpc_not_yet", `The VPC ${vpcId} was not there at revision ${to}.`, { hint: HISTORY });

const forgotten = (oldest: number | undefined, to: number) =>
  conflict("history_forgotten", `What the VPC was at revision ${to} is no longer known.`, {
    hint: oldest === undefined ? HISTORY : `Its history reaches back to revision ${oldest}.`,
    ...(oldest === undefined ? {} : { fields: { oldest_revision: oldest } }),
  });

async function currentOf({ store }: Place, noun: Noun, id: string): Promise<At<Thing> | undefined> {
  const entry = await store.get(keys.object(noun.plural, id));
  return entry && parse(entry);
}

async function targetOf(
  place: Place,
  { kind, id, before }: { kind: Kind; id: string; before?: Thing },
): Promise<Target> {
  const noun = nounOf(kind);
  const current = await currentOf(place, noun, id);
  const { wanted, kept } = before ? allowed(noun, before, { current, caller: place.caller }) : { kept: [] };
  return { noun, id, kept, ...(wanted ? { wanted } : {}), ...(current ? { current } : {}) };
}

/**
 * A tenant cannot bring back what only an admin may set and the tenant might change: a port's host and device may be
 * somebody else's by now.
 */
function allowed(noun: Noun, wanted: Thing, { current, caller }: { current: Thing | undefined; caller: Caller }) {
  if (caller.role === "admin") return { wanted, kept: [] };
  const result: { [name: string]: unknown } = { ...wanted };
  const kept: string[] = [];
  for (const [name, field] of Object.entries(noun.fields)) {
    if (!field.admin || !field.mutable || isDeepStrictEqual(wanted[name], current?.[name])) continue;
    kept.push(name);
    if (current?.[name] === undefined) delete result[name];
    else result[name] = current[name];
  }
  return { wanted: result as Thing, kept };
}

const differs = ({ noun, wanted, current, kept }: Target): boolean => {
  if (!wanted || !current) return wanted !== current;
  return kept.length > 0 || changedFields(noun, current, wanted).length > 0;
};

/** Fields that a user or the system gave, and that differ. */
export const changedFields = (noun: Noun, a: Thing, b: Thing): string[] =>
  ["name", "labels", ...Object.keys(noun.fields).filter((f) => noun.fields[f]?.mode !== "derived")].filter(
    (f) => !isDeepStrictEqual(a[f], b[f]),
  );

/** Parents first. */
export const rank = (noun: Noun): number => NOUNS.findIndex((n) => n.kind === noun.kind);
