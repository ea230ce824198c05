import { OnehopError } from "@onehop/core";
import { type Store, StoreError, type Txn } from "@onehop/store";
import type { Leases } from "../allocate/leases.ts";
import { commit, type Fate, groups } from "../handlers/commit.ts";
import type { Draft } from "../handlers/draft.ts";
import { type Followed, Recent } from "../handlers/recent.ts";
import { Snapshot } from "../handlers/snapshot.ts";
import { Trimmer } from "../history/trim.ts";
import { type Attempt, answerOf, type Drafted, type Plan, type Written } from "./attempt.ts";
import { busy } from "./refusals.ts";
import { Turns } from "./turns.ts";

/** Plans of one write before it counts as hopeless; each lost race means that another process's write was done. */
export const TRIES = 40;
/** Writes that share a turn. */
const SHARED = 50;

/** What a plan will read of the store, so that what many will read is read at once. */
export interface Reads {
  readonly keys: readonly string[];
  readonly prefixes?: readonly string[];
}

interface Job {
  readonly plan: Plan;
  readonly reads: Reads;
  readonly resolve: (written: Written) => void;
  readonly reject: (error: unknown) => void;
  tries: number;
}

/** Does this process's writes, in turn. Creations and deletions that come while others are written are written together. */
export class Writer {
  readonly store: Store;
  readonly turns = new Turns();
  readonly #recent: Recent;
  readonly #leases: Leases;
  readonly #trimmer: Trimmer;
  #queue: Job[] = [];

  /** `followed`: what this process knows of the store without asking. */
  constructor(store: Store, leases: Leases, followed?: Followed) {
    this.store = store;
    this.#recent = new Recent(followed);
    this.#leases = leases;
    this.#trimmer = new Trimmer(store);
  }

  /** What the store says now. */
  read(): Snapshot {
    return new Snapshot(this.store, this.#recent);
  }
  /** What it said lately, and now only of what is not remembered. */
  guess(): Snapshot {
    return new Snapshot(this.store, this.#recent, "guesses");
  }

  /** Plans and commits until it sticks. */
  alone(plan: Plan): Promise<Written> {
    return this.turns.take(async () => {
      for (let i = 0; i < TRIES; i++) {
        const snapshot = i === 0 ? this.guess() : this.read();
        const attempt = await attempted(plan, snapshot);
        if (!attempt) continue;
        if ("answer" in attempt) return attempt.answer;
        const [fate] = await this.commit(snapshot, [attempt.draft]);
        const answer = answerOf(attempt, fate!);
        if (answer) return answer;
      }
      throw busy();
    });
  }

  /**
   * As alone, for plans that create, or delete what nothing can be below: such may share a snapshot and a transaction.
   */
  together(plan: Plan, reads: Reads): Promise<Written> {
    return new Promise((resolve, reject) => this.#enqueue([{ plan, reads, resolve, reject, tries: 0 }]));
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
    // What this process follows may be behind for long: who was refused twice by it asks the store.
    const snapshot = jobs.some(({ tries }) => tries > 1) ? this.read() : this.guess();
    await Promise.all(
      jobs.flatMap(({ reads: { keys, prefixes = [] } }) => [
        ...keys.map((key) => snapshot.get(key)),
        ...prefixes.map((prefix) => snapshot.under(prefix)),
      ]),
    );
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
   * A job's draft, or undefined where it is answered. An answer or a refusal counts only when planned upon nothing but
   * the store: what was remembered may be old, and the plans before it may yet fail.
   */
  async #planned(job: Job, shared: Snapshot, isFirst: boolean): Promise<Drafted | "later" | undefined> {
    try {
      const attempt = await job.plan(shared);
      if ("draft" in attempt) {
        await shared.adopt(attempt.draft);
        return attempt;
      }
      if (!shared.guessed) return void job.resolve(attempt.answer);
    } catch (error) {
      if (error instanceof StoreError) throw error;
      if (isFirst && !shared.guessed) return void job.reject(error);
    }
    const alone = await this.#planned(job, this.read(), true);
    return alone && "later";
  }
}

/** Undefined: what came of it stands on guesses, and is no draft. */
async function attempted(plan: Plan, snapshot: Snapshot): Promise<Attempt | undefined> {
  try {
    const attempt = await plan(snapshot);
    return "answer" in attempt && snapshot.guessed ? undefined : attempt;
  } catch (error) {
    if (snapshot.guessed && error instanceof OnehopError) return undefined;
    throw error;
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
