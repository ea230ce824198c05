import { notFound } from "@onehop/core";
import { type Entry, keys, type RangeResult, type Store } from "@onehop/store";
import { type Caller, sees } from "../auth/caller.ts";
import { type Change, type Record, recordOf } from "./record.ts";
import type { End } from "./trim.ts";

/** A record with the revision of its transaction. */
export interface Revised extends Record {
  readonly revision: number;
}

export interface Place {
  readonly store: Store;
  readonly caller: Caller;
  readonly vpcId: string;
}

/** Records read from the store at once. */
const CHUNK = 100;

/** Entries of the VPC's records in order, values left out; 404 where the caller may not see the VPC. A deleted one counts. */
export async function recordKeys({ store, caller, vpcId }: Place): Promise<RangeResult> {
  const current = await store.get(keys.object("vpcs", vpcId));
  const ended = current ?? (await store.get(keys.historyEnd(vpcId)));
  const owner = ended && (JSON.parse(ended.value) as End).project_id;
  if (owner === undefined || !sees(caller, owner)) throw notFound("vpc", vpcId);
  const found = await store.range({ prefix: keys.historyOf(vpcId), keysOnly: true });
  return { ...found, entries: [...found.entries].sort((a, b) => a.mod_revision - b.mod_revision) };
}

/** Records of these keys; one that was trimmed meanwhile is left out, as is what belongs to a project not the caller's. */
export async function readRecords({ store, caller }: Place, entries: readonly Entry[]): Promise<Revised[]> {
  const records: Revised[] = [];
  for (let i = 0; i < entries.length; i += CHUNK) {
    const found = await Promise.all(entries.slice(i, i + CHUNK).map((e) => store.get(e.key)));
    for (const entry of found) {
      if (!entry) continue;
      const { changes } = recordOf(entry.value);
      const mine = changes.filter((c) => sees(caller, projectOf(c)));
      if (mine.length > 0) records.push({ revision: entry.mod_revision, changes: mine });
    }
  }
  return records;
}

/** An id may have been another's before: its history is not for the present owner. */
const projectOf = ({ after, before }: Change): string => String((after ?? before)?.project_id);
