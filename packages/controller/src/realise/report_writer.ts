import type { Report } from "@onehop/core";
import { type Clock, type Compare, keys, pause, type Store } from "@onehop/store";

export interface ReportWriterOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly hostId: string;
  /** Must hold for a report to be written: that this controller still owns the shard. */
  readonly guard: () => Compare | undefined;
  readonly onError?: (error: unknown) => void;
}

/** How long a host counts as live after its stream ended: long enough for an agent or controller to start again. */
export const REPORT_TTL_S = 6;
/** Between two writes of one host's report; what comes in between is overtaken by the last. */
const SPACING_MS = 40;
const RETRY_MS = 250;

/**
 * A host's last report, kept in the store while its stream lasts, so that every API process can derive status from it.
 * When the stream ends the lease is left to run out: a new stream in time takes the report over.
 */
export class ReportWriter {
  readonly #options: ReportWriterOptions;
  readonly #ended = new AbortController();
  #latest: Report | undefined;
  /** As written, should it have to be written again. */
  #last: Report | undefined;
  #writing = false;
  #lease: string | undefined;

  constructor(options: ReportWriterOptions) {
    this.#options = options;
    void this.#keepLease();
  }

  put(report: Report): void {
    this.#latest = report;
    if (!this.#writing) void this.#write();
  }

  close(): void {
    this.#ended.abort();
  }

  async #write(): Promise<void> {
    const { clock } = this.#options;
    this.#writing = true;
    while (this.#latest && !this.#ended.signal.aborted) {
      const report = this.#latest;
      this.#latest = undefined;
      const written = await this.#try(() => this.#store(report));
      if (!written) {
        // Whether the lease is there is not known now; and a newer report is as good as this one.
        this.#lease = undefined;
        this.#latest ??= report;
      }
      await pause(clock, written ? SPACING_MS : RETRY_MS, this.#ended.signal);
    }
    this.#writing = false;
  }

  async #store(report: Report): Promise<boolean> {
    const { store, hostId, guard } = this.#options;
    const compare = guard();
    if (!compare) return false;
    this.#lease ??= await store.grantLease(REPORT_TTL_S);
    const value = JSON.stringify(report);
    this.#last = report;
    return (await store.txn({ compare: [compare], then: [{ put: keys.report(hostId), value, lease: this.#lease }] }))
      .ok;
  }

  async #keepLease(): Promise<void> {
    const { clock, store } = this.#options;
    const { signal } = this.#ended;
    while (!signal.aborted) {
      await pause(clock, (REPORT_TTL_S * 1000) / 3, signal);
      const lease = this.#lease;
      if (lease === undefined || signal.aborted) continue;
      // An error says nothing about the lease: it is asked again.
      const alive = await this.#try(() => store.keepAlive(lease));
      if (alive !== false || this.#lease !== lease) continue;
      // Gone while the stream lives (the store was away for long): report anew, under a new one.
      this.#lease = undefined;
      if (this.#last) this.put(this.#latest ?? this.#last);
    }
  }

  async #try<T>(step: () => Promise<T>): Promise<T | undefined> {
    try {
      return await step();
    } catch (error) {
      this.#options.onError?.(error);
      return undefined;
    }
  }
}
