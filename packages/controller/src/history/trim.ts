import type { Vpc } from "@onehop/core";
import { keys, MAX_OPS, type Store, StoreError } from "@onehop/store";
import type { Context } from "../handlers/handler.ts";
import type { Note } from "./record.ts";

export interface Kept {
  /** Records of a VPC; each process lets a few more come together before it trims. */
  readonly records: number;
  readonly slack: number;
  /** Deleted VPCs whose history is kept, and for how many milliseconds. */
  readonly ended: number;
  readonly endedMs: number;
}

export const KEPT: Kept = { records: 1000, slack: 100, ended: 100, endedMs: 7 * 86_400_000 };

/** What is kept of a deleted VPC besides its history. */
export interface End {
  readonly name: string;
  readonly project_id: string;
  readonly deleted_at: string;
  /** Version of its last key. */
  readonly key_version?: number;
}

export const endOf = ({ name, project_id }: Vpc, { now }: Context): End => ({ name, project_id, deleted_at: now() });

/** Keeps histories short, in transactions of its own after those that made them longer. */
export class Trimmer {
  readonly #store: Store;
  readonly #kept: Kept;
  /** Records of a VPC that this process knows of, after its last look. */
  readonly #counts = new Map<string, number>();

  constructor(store: Store, kept: Kept = KEPT) {
    this.#store = store;
    this.#kept = kept;
  }

  /** After a transaction that wrote these notes. Never fails: what could not be trimmed is, later. */
  async written(notes: readonly Note[]): Promise<void> {
    for (const { vpcId, change } of notes) if (change.kind === "vpc" && !change.before) this.#counts.set(vpcId, 0);
    await this.recorded(notes.map((n) => n.vpcId));
    const ended = notes.find((n) => n.change.kind === "vpc" && !n.change.after);
    if (ended) await unlessStoreFails(() => this.#forgetEnded(Date.parse(ended.change.at)));
  }

  /** After a transaction that wrote a record of each of these VPCs; as `written`. */
  async recorded(vpcIds: readonly string[]): Promise<void> {
    await unlessStoreFails(async () => {
      for (const vpcId of new Set(vpcIds)) await this.#count(vpcId);
    });
  }

  async #count(vpcId: string): Promise<void> {
    const count = (this.#counts.get(vpcId) ?? Number.POSITIVE_INFINITY) + 1;
    this.#counts.set(vpcId, count);
    if (count > this.#kept.records + this.#kept.slack) this.#counts.set(vpcId, await this.#trim(vpcId));
  }

  /** Deletes the oldest records beyond those kept; answers how many there are then. */
  async #trim(vpcId: string): Promise<number> {
    const { entries } = await this.#store.range({ prefix: keys.historyOf(vpcId), keysOnly: true });
    const oldest = [...entries].sort((a, b) => a.mod_revision - b.mod_revision);
    const surplus = oldest.slice(0, Math.max(0, oldest.length - this.#kept.records));
    for (let i = 0; i < surplus.length; i += MAX_OPS)
      await this.#store.txn({ compare: [], then: surplus.slice(i, i + MAX_OPS).map((e) => ({ delete: e.key })) });
    return oldest.length - surplus.length;
  }

  async #forgetEnded(now: number): Promise<void> {
    const { entries } = await this.#store.range({ prefix: keys.historyEnds });
    const newest = entries
      .map((entry) => ({ entry, at: Date.parse((JSON.parse(entry.value) as End).deleted_at) }))
      .sort((a, b) => b.at - a.at);
    const old = newest.filter(({ at }, i) => i >= this.#kept.ended || now - at > this.#kept.endedMs);
    for (const { entry } of old) {
      const vpcId = entry.key.slice(keys.historyEnds.length);
      this.#counts.delete(vpcId);
      await this.#store.txn({
        compare: [{ key: entry.key, mod_revision: entry.mod_revision }, { absent: keys.object("vpcs", vpcId) }],
        then: [{ deletePrefix: keys.historyOf(vpcId) }, { delete: entry.key }],
      });
    }
  }
}

async function unlessStoreFails(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
  }
}
