import { invalid } from "@onehop/core";
import { limitOf, type QueryValues } from "../api/read.ts";
import { type Place, readRecords, recordKeys } from "./read.ts";
import type { Change } from "./record.ts";

interface Listed extends Change {
  readonly action: "created" | "updated" | "deleted";
  readonly name: string;
}

export interface HistoryPage {
  /** Newest first. */
  readonly items: readonly { readonly revision: number; readonly changes: readonly Listed[] }[];
  /** The oldest revision that the VPC can be rolled back to; missing where nothing is known. */
  readonly oldest_revision?: number;
  readonly next_page_token?: string;
}

const OPTIONS = ["limit", "page_token"];

/** One page of a VPC's history. */
export async function listHistory(place: Place, query: QueryValues): Promise<HistoryPage> {
  for (const name of Object.keys(query))
    if (!OPTIONS.includes(name)) throw invalid("", `There is no option ${JSON.stringify(name.slice(0, 80))}.`);
  const limit = limitOf([query.limit ?? []].flat()[0]);
  const before = beforeOf([query.page_token ?? []].flat()[0]);
  const { entries } = await recordKeys(place);
  const older = entries.filter((e) => e.mod_revision < before).reverse();
  const page = older.slice(0, limit);
  const records = await readRecords(place, page);
  const [oldest] = entries;
  return {
    items: records.map(({ revision, changes }) => ({ revision, changes: changes.map(listed) })),
    ...(oldest ? { oldest_revision: oldest.mod_revision } : {}),
    ...(older.length > limit ? { next_page_token: `before-${page.at(-1)!.mod_revision}` } : {}),
  };
}

function listed(change: Change): Listed {
  const { before, after } = change;
  const action = !before ? "created" : after ? "updated" : "deleted";
  return { ...change, action, name: (after ?? before)!.name };
}

function beforeOf(token: string | undefined): number {
  if (token === undefined) return Number.POSITIVE_INFINITY;
  const revision = /^before-(\d{1,15})$/.exec(token)?.[1];
  if (revision === undefined) throw invalid("", "The page_token is not one that this list gave.");
  return Number(revision);
}
