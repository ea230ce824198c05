import type { OnehopError } from "@onehop/core";
import { bytesOfOp, type Compare, type Entry, MAX_OPS, MAX_TXN_BYTES, type Op, type Store } from "@onehop/store";
import { recordsOf } from "../history/record.ts";
import { type Claim, childIdOf, type Draft, refuse } from "./draft.ts";
import { numberOf, type Snapshot } from "./snapshot.ts";

/** What became of a draft. again: something it was planned upon has changed; plan anew. */
export type Fate =
  | { readonly done: number }
  | { readonly refused: OnehopError }
  | { readonly exists: Entry }
  | { readonly again: true };

const AGAIN: Fate = { again: true };

/** Writes drafts of one snapshot in one transaction: all of them or none. */
export async function commit(snapshot: Snapshot, drafts: readonly Draft[]): Promise<Fate[]> {
  const { compare, then } = await transactionOf(snapshot, drafts);
  const result = await snapshot.store.txn({ compare, then });
  if (!result.ok) {
    snapshot.doubt(drafts);
    return Promise.all(drafts.map((d) => diagnose(snapshot.store, d)));
  }
  snapshot.settle(drafts, then, result.revision);
  return drafts.map(() => ({ done: result.revision }));
}

/** Splits drafts, in order, into groups that fit a transaction. */
export function groups(drafts: readonly Draft[]): Draft[][] {
  const out: Draft[][] = [];
  let size = new Size();
  for (const draft of drafts) {
    const group = out.at(-1);
    if (group && size.add(draft)) group.push(draft);
    else {
      out.push([draft]);
      size = new Size();
      size.add(draft);
    }
  }
  return out;
}

/** Operations, compares and bytes of a group so far; what its members share counts once. */
class Size {
  #compares = 0;
  #ops = 0;
  #bytes = 0;
  readonly #read = new Set<string>();
  readonly #bumped = new Set<string>();
  /** VPCs that get a record. */
  readonly #vpcs = new Set<string>();

  /** False: the group does not fit with it; it counts all the same. */
  add(d: Draft): boolean {
    this.#compares += d.claims.length + d.unused.length;
    const written = d.claims.filter((c) => c.value !== undefined).length;
    this.#ops += written + d.puts.size + d.deletes.size + d.deletePrefixes.size;
    this.#bytes += bytesOf(d);
    for (const key of d.reads.keys()) this.#read.add(key);
    for (const key of d.bumps.keys()) {
      this.#read.add(key);
      this.#bumped.add(key);
    }
    if (d.note) this.#vpcs.add(d.note.vpcId);
    if (this.#bytes > MAX_TXN_BYTES) return false;
    const ops = this.#ops + this.#bumped.size + this.#vpcs.size;
    return this.#compares + this.#read.size <= MAX_OPS && ops <= MAX_OPS;
  }
}

/** What a draft takes in a transaction, records included; a little too much where drafts share keys. */
function bytesOf(draft: Draft): number {
  let bytes = draft.note ? Buffer.byteLength(JSON.stringify(draft.note.change)) : 0;
  for (const op of opsOf(draft)) bytes += bytesOfOp(op);
  for (const key of [...draft.reads.keys(), ...draft.bumps.keys()]) bytes += 2 * key.length;
  for (const { key } of draft.claims) bytes += key.length;
  return bytes;
}

async function transactionOf(
  snapshot: Snapshot,
  drafts: readonly Draft[],
): Promise<{ compare: Compare[]; then: Op[] }> {
  const reads = new Map<string, Compare>();
  const then: Op[] = [];
  for (const d of drafts) {
    // Compared as it is known now: an earlier group of the same request may have moved it on.
    for (const key of [...d.reads.keys(), ...d.bumps.keys()]) reads.set(key, compareOf(key, await snapshot.get(key)));
    then.push(...opsOf(d));
  }
  for (const [key, by] of totals(drafts))
    then.push({ put: key, value: String(numberOf(await snapshot.get(key)) + by) });
  then.push(...recordsOf(drafts.flatMap((d) => d.note ?? [])));
  const compare = drafts.flatMap((d) => [
    ...d.claims.map((c) => ({ absent: c.key })),
    ...d.unused.map((u) => ({ nonePrefixed: u.prefix })),
  ]);
  return { compare: [...reads.values(), ...compare], then };
}

const compareOf = (key: string, entry: Entry | undefined): Compare =>
  entry ? { key, mod_revision: entry.mod_revision } : { absent: key };

function opsOf(d: Draft): Op[] {
  const put = (key: string, value: string, lease?: string): Op => ({ put: key, value, ...(lease ? { lease } : {}) });
  return [
    ...d.claims.flatMap((c) => (c.value === undefined ? [] : [put(c.key, c.value, c.lease)])),
    ...[...d.puts].map(([key, { value, lease }]) => put(key, value, lease)),
    ...[...d.deletes].map((key) => ({ delete: key })),
    ...[...d.deletePrefixes].map((prefix) => ({ deletePrefix: prefix })),
  ];
}

function totals(drafts: readonly Draft[]): Map<string, number> {
  const sums = new Map<string, number>();
  for (const d of drafts) for (const [key, by] of d.bumps) sums.set(key, (sums.get(key) ?? 0) + by);
  return sums;
}

/**
 * Why a draft was not written, by what the store says now. What the system chose comes first: it is chosen anew, and a
 * remembered answer is found, before anything is held against the user; then the first reason in the draft's order.
 */
async function diagnose(store: Store, draft: Draft): Promise<Fate> {
  if (draft.creates) {
    const existing = await store.get(draft.creates);
    if (existing) return { exists: existing };
  }
  const holders = await Promise.all(draft.claims.map((c) => store.get(c.key)));
  if (holders.some((holder, i) => holder && !draft.claims[i]!.refusal)) return AGAIN;
  for (const [i, holder] of holders.entries()) {
    const claim = draft.claims[i]!;
    if (holder && claim.refusal)
      return { refused: refuse(claim.refusal, detailOf(claim, holder), childIdOf(holder.value)) };
  }
  for (const { prefix, refuse: refusal } of draft.unused) {
    const { entries } = await store.range({ prefix, limit: 11 });
    if (entries.length > 0) return { refused: await refusal(entries) };
  }
  return AGAIN;
}

const detailOf = ({ refusal }: Claim, holder: Entry): string =>
  refusal?.why ?? (holder.value ? `is taken by ${childIdOf(holder.value)}` : "is taken");
