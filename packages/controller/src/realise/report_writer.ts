import type { Report } from "@onehop/core";
import { type Clock, type Compare, keys, type Op, pause, type Store, StoreError } from "@onehop/store";
import type { Said } from "../publish/session.ts";

export interface ReportWriterOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Must hold for the host's report to be written: that this controller still owns the host. Undefined: it does not. */
  readonly guard: (hostId: string) => Compare | undefined;
  readonly onError?: (error: unknown) => void;
}

/** How long a host counts as live after its stream ended: long enough for an agent or controller to start again. */
export const REPORT_TTL_S = 6;
/** Between two writes. */
const SPACING_MS = 40;
/**
 * Between two writes of one host's report; of what it says in between, the last is written. Controllers hear of it from
 * the host itself: the store is for those that have just come, and those that it has no stream to. They need to know soon
 * which hub is whole, and which port is not as planned; how far a host is with its slices can wait.
 */
const SOON_MS = 500;
const LATER_MS = 5_000;
/** What can wait takes a share of the store that does not grow with the hosts: 2,000 of them wait 30 s. */
const LATER_EACH_MS = 15;
const RETRY_MS = 250;
/** Before reports of hosts that are owned anew are written: those of the owner before outlive it by some seconds. */
const GAINED_MS = 1000;
/** Reports of one transaction, each with its guard. */
const BATCH = 40;
/** Bytes of one transaction, below the store's limit. */
const MOST_BYTES = 1_000_000;

interface Known {
  latest: Said;
  /** What of it is pressing, as text. */
  pressing: string;
  /** As written by us, under the present lease. */
  written: Said | undefined;
  writtenPressing: string;
  /** When it was written last, as the clock counts. */
  wrote: number;
  cancelEnd: () => void;
}

/**
 * The last reports of the hosts that are owned here, kept in the store while their streams last, so that every API
 * process can derive status from them. All are under one lease of this controller's: should it die, they end unless the
 * next owner, which hears the same reports, writes them again.
 */
export class ReportWriter {
  readonly #options: ReportWriterOptions;
  readonly #hosts = new Map<string, Known>();
  /** Streams of hosts, whether they reported or not. */
  readonly #streams = new Map<string, number>();
  readonly #due = new Set<string>();
  #writing: Promise<void> | undefined;
  #lease: string | undefined;

  constructor(options: ReportWriterOptions) {
    this.#options = options;
    void this.#keepLease();
  }

  opened(hostId: string): void {
    this.#streams.set(hostId, (this.#streams.get(hostId) ?? 0) + 1);
    this.#hosts.get(hostId)?.cancelEnd();
  }

  put(hostId: string, said: Said): void {
    const known = this.#hosts.get(hostId);
    const pressing = pressingOf(said.report);
    if (known) Object.assign(known, { latest: said, pressing });
    else
      this.#hosts.set(hostId, {
        latest: said,
        pressing,
        written: undefined,
        writtenPressing: "",
        wrote: Number.NEGATIVE_INFINITY,
        cancelEnd: () => undefined,
      });
    this.#write([hostId]);
  }

  /** The host's stream ended: its report follows, unless a new one comes in time. */
  closed(hostId: string): void {
    const left = (this.#streams.get(hostId) ?? 1) - 1;
    if (left > 0) this.#streams.set(hostId, left);
    else this.#streams.delete(hostId);
    const known = this.#hosts.get(hostId);
    if (left > 0 || !known) return;
    known.cancelEnd = this.#options.clock.after(REPORT_TTL_S * 1000, () => {
      this.#hosts.delete(hostId);
      this.#write([hostId]);
    });
  }

  /** These hosts are owned here from now on. */
  gained(hostIds: readonly string[]): void {
    this.#options.clock.after(GAINED_MS, () => {
      for (const hostId of hostIds) {
        const known = this.#hosts.get(hostId);
        if (known) known.written = undefined;
      }
      this.#write(hostIds.filter((hostId) => this.#hosts.has(hostId)));
    });
  }

  #write(hostIds: Iterable<string>): void {
    for (const hostId of hostIds) this.#due.add(hostId);
    this.#writing ??= this.#drain().finally(() => {
      this.#writing = undefined;
    });
  }

  async #drain(): Promise<void> {
    const { clock, signal } = this.#options;
    while (this.#due.size > 0 && !signal.aborted) {
      const batch = this.#takeBatch();
      const written = batch.size === 0 || (await this.#try(() => this.#store(batch)));
      if (!written) for (const hostId of batch.keys()) this.#due.add(hostId);
      await pause(clock, written ? SPACING_MS : RETRY_MS, signal);
    }
  }

  /** What there is to be written of hosts that are owned; undefined: the report is to go. */
  #takeBatch(): Map<string, Said | undefined> {
    const batch = new Map<string, Said | undefined>();
    const now = this.#options.clock.now();
    const later = Math.max(LATER_MS, this.#hosts.size * LATER_EACH_MS);
    let bytes = 0;
    for (const hostId of this.#due) {
      if (batch.size >= BATCH || bytes >= MOST_BYTES) break;
      const known = this.#hosts.get(hostId);
      if (known?.written && now - known.wrote < (known.pressing === known.writtenPressing ? later : SOON_MS)) continue;
      this.#due.delete(hostId);
      if (!this.#options.guard(hostId) || (known && known.latest === known.written)) continue;
      batch.set(hostId, known?.latest);
      bytes += (known?.latest.applied.size ?? 0) * 150;
    }
    return batch;
  }

  async #store(batch: ReadonlyMap<string, Said | undefined>): Promise<boolean> {
    const { store, guard } = this.#options;
    this.#lease ??= await store.grantLease(REPORT_TTL_S);
    const lease = this.#lease;
    const compare: Compare[] = [];
    const then: Op[] = [];
    for (const [hostId, said] of batch) {
      const held = guard(hostId);
      if (!held) continue;
      compare.push(held);
      const key = keys.report(hostId);
      then.push(said ? { put: key, value: textOf(said), lease } : { delete: key });
      // One that was removed has none: it would stay as long as this controller, and its slices be awaited.
      if (said) compare.push({ exists: keys.object("hosts", hostId) });
    }
    const { ok } = await store.txn({ compare, then });
    if (!ok) return this.#oneByOne(batch);
    this.#note(batch);
    return true;
  }

  /** Some host is another's by now: that must not hold up the others. */
  async #oneByOne(batch: ReadonlyMap<string, Said | undefined>): Promise<boolean> {
    if (batch.size === 1) return false;
    let all = true;
    for (const [hostId, said] of batch) {
      const one = new Map([[hostId, said]]);
      if (await this.#store(one)) continue;
      all = false;
      this.#due.add(hostId);
    }
    return all;
  }

  #note(batch: ReadonlyMap<string, Said | undefined>): void {
    for (const [hostId, said] of batch) {
      const known = this.#hosts.get(hostId);
      if (!known) continue;
      known.written = said;
      known.writtenPressing = said ? pressingOf(said.report) : "";
      known.wrote = this.#options.clock.now();
      if (known.latest !== said) this.#due.add(hostId);
    }
  }

  async #keepLease(): Promise<void> {
    const { clock, store, signal } = this.#options;
    while (!signal.aborted) {
      await pause(clock, (REPORT_TTL_S * 1000) / 3, signal);
      const lease = this.#lease;
      if (lease === undefined || signal.aborted) continue;
      // An error says nothing about the lease: it is asked again.
      const alive = await this.#try(() => store.keepAlive(lease));
      if (alive === false && this.#lease === lease) this.#leaseGone();
    }
  }

  /** While streams live (the store was away for long): all report anew, under a new one. */
  #leaseGone(): void {
    this.#lease = undefined;
    for (const known of this.#hosts.values()) known.written = undefined;
    this.#write(this.#hosts.keys());
  }

  async #try<T>(step: () => Promise<T>): Promise<T | undefined> {
    try {
      return await step();
    } catch (error) {
      this.#options.onError?.(error);
      if (error instanceof StoreError && error.code === "lease_gone") this.#leaseGone();
      return undefined;
    }
  }
}

const textOf = ({ report: { gone: _, ...report }, applied }: Said): string =>
  JSON.stringify({ ...report, applied: [...applied.values()] } satisfies Report);

/** What it says beyond how far the host is with its slices, as text. */
const pressingOf = ({ whole = false, hub_of = [], degraded }: Report): string =>
  JSON.stringify([whole, hub_of, degraded]);
