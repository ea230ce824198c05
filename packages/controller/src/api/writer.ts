import { type Store, StoreError, type Txn } from "@onehop/store";
import type { Leases } from "../allocate/leases.ts";
import { commit, type Fate, groups } from "../handlers/commit.ts";
import type { Draft } from "../handlers/draft.ts";
import { Snapshot } from "../handlers/snapshot.ts";
import { Trimmer } from "../history/trim.ts";
import { answerOf, type Drafted, type Plan, type Written } from "./attempt.ts";
import { busy } from "./refusals.ts";
import { Turns } from "./turns.ts";

/** Plans of one write before it counts as hopeless; each lost race means that another process's write was done. */
export const TRIES = 40;
/** Creations that share a turn. */
const SHARED = 50;

interface Job {
  readonly plan: Plan;
  readonly resolve: (written: Written) => void;
  readonly reject: (error: unknown) => void;
  tries: number;
}

/** Does this process's writes, in turn. Creations that come while others are written are planned and written together. */
export class Writer {
  readonly store: Store;
  readonly turns = new Turns();
  readonly #leases: Leases;
  readonly #trimmer: Trimmer;
  #queue: Job[] = [];

  constructor(store: Store, leases: Leases, trimmer = new Trimmer(store)) {
    this.store = store;
    this.#leases = leases;
    this.#trimmer = trimmer;
  }

  /** Plans and commits until it sticks. */
  alone(plan: Plan): Promise<Written> {
    return this.turns.take(async () => {
      for (let i = 0; i < TRIES; i++) {
        const snapshot = new Snapshot(this.store);
        const attempt = await plan(snapshot);
        if ("answer" in attempt) return attempt.answer;
        const [fate] = await this.commit(snapshot, [attempt.draft]);
        const answer = answerOf(attempt, fate!);
        if (answer) return answer;
      }
      throw busy();
    });
  }

  /** As alone, for plans that only create: such may share a snapshot and a transaction. */
  together(plan: Plan): Promise<Written> {
    return new Promise((resolve, reject) => this.#enqueue([{ plan, resolve, reject, tries: 0 }]));
  }

  /** As commit of handlers; leases that the store has lost are replaced at the next try. */
  async commit(snapshot: Snapshot, drafts: readonly Draft[]): Promise<Fate[]> {
    try {
      const fates = await commit(snapshot, drafts);
      await this.#trimmer.written(drafts.flatMap((d, i) => ("done" in fates[i]! ? (d.note ?? []) : [])));
      return fates;
    } catch (error) {
      if (!(error instanceof StoreError && error.code === "lease_gone")) throw error;
      this.#leases.forget();
      return drafts.map(() => ({ again: true }));
    }
  }

  /** A transaction that was planned as a whole and records changes of a VPC; its revision, or undefined: plan anew. */
  async write(txn: Txn, vpcId: string): Promise<number | undefined> {
    try {
      const { ok, revision } = await this.store.txn(txn);
      if (ok) await this.#trimmer.recorded([vpcId]);
      return ok ? revision : undefined;
    } catch (error) {
      if (!(error instanceof StoreError && error.code === "lease_gone")) throw error;
      this.#leases.forget();
      return undefined;
    }
  }

  #enqueue(jobs: readonly Job[]): void {
    const waiting = this.#queue.length > 0;
    this.#queue.push(...jobs);
    if (!waiting && jobs.length > 0) this.#takeTurn();
  }

  #takeTurn(): void {
    let jobs: Job[] = [];
    const turn = this.turns.take(async () => {
      jobs = this.#queue.splice(0, SHARED);
      if (this.#queue.length > 0) this.#takeTurn();
      await this.#share(jobs);
    });
    turn.catch((error) => {
      for (const job of [...jobs, ...this.#queue.splice(0)]) job.reject(error);
    });
  }

  /** Plans jobs upon one snapshot and commits them group by group; those without an answer queue again. */
  async #share(jobs: readonly Job[]): Promise<void> {
    const snapshot = new Snapshot(this.store);
    const drafted = new Map<Draft, { job: Job; drafted: Drafted }>();
    const again: Job[] = [];
    for (const job of jobs) {
      const attempt = await this.#planned(job, snapshot, drafted.size === 0);
      if (attempt === "later") again.push(job);
      else if (attempt) drafted.set(attempt.draft, { job, drafted: attempt });
    }
    let failed = false;
    for (const group of groups([...drafted.keys()])) {
      const fates: Fate[] = failed ? group.map(() => ({ again: true })) : await this.commit(snapshot, group);
      // What follows was planned upon what has just proved old.
      failed ||= !("done" in fates[0]!);
      for (const [i, fate] of fates.entries()) {
        const one = drafted.get(group[i]!)!;
        if (!settle(one.job, one.drafted, fate)) again.push(one.job);
      }
    }
    this.#enqueue(again.filter(isHopeful));
  }

  /**
   * A job's draft, or undefined where it is answered. A refusal counts only when planned upon nothing but the store:
   * the plans before it may yet fail.
   */
  async #planned(job: Job, shared: Snapshot, isFirst: boolean): Promise<Drafted | "later" | undefined> {
    try {
      const attempt = await job.plan(shared);
      if ("answer" in attempt) return void job.resolve(attempt.answer);
      await shared.adopt(attempt.draft);
      return attempt;
    } catch (error) {
      if (error instanceof StoreError) throw error;
      if (isFirst) return void job.reject(error);
    }
    const alone = await this.#planned(job, new Snapshot(this.store), true);
    return alone && "later";
  }
}

/** Whether the job has its answer now. */
function settle(job: Job, drafted: Drafted, fate: Fate): boolean {
  try {
    const answer = answerOf(drafted, fate);
    if (answer) job.resolve(answer);
    return answer !== undefined;
  } catch (refusal) {
    job.reject(refusal);
    return true;
  }
}

function isHopeful(job: Job): boolean {
  job.tries++;
  if (job.tries < TRIES) return true;
  job.reject(busy());
  return false;
}
