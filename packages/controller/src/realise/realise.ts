import type { Kind, Status } from "@onehop/core";
import { type Clock, keys, type Store } from "@onehop/store";
import type { Said } from "../publish/session.ts";
import type { AnyObject, StatusSource } from "../status_source.ts";
import { follow } from "./follow.ts";
import type { Reports } from "./reports.ts";
import { type Known, stateOf } from "./status.ts";

export interface RealiseOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly view: Known["view"];
  readonly plans: Known["plans"];
  readonly reports: Reports;
  readonly refusalOf: NonNullable<Known["refusalOf"]>;
  /** Told first of hosts whose report is new, or gone. */
  readonly onReports: (hostIds: readonly string[]) => void;
  readonly query: StatusSource["query"];
  readonly onError?: (error: unknown) => void;
}

/** Derives status from what was compiled here and what all hosts report, here or by the store to other controllers. */
export class Realise implements StatusSource {
  readonly #known: Known;
  readonly #onReports: RealiseOptions["onReports"];
  readonly #waiting = new Set<() => void>();
  #listed: () => void = () => undefined;
  /** Resolves when the reports that are there have been read. */
  readonly loaded = new Promise<void>((resolve) => {
    this.#listed = resolve;
  });
  readonly query: StatusSource["query"];

  constructor(options: RealiseOptions) {
    const { store, clock, signal, view, plans, reports, refusalOf, onReports, query, onError } = options;
    this.#known = { view, plans, reports, refusalOf };
    this.#onReports = onReports;
    this.query = query;
    void follow({
      store,
      clock,
      signal,
      prefix: keys.reports,
      onList: (entries) => {
        onReports(reports.replaceAll(entries));
        this.#listed();
        this.poke();
      },
      onChanges: (changes) => {
        onReports(changes.map(({ key, entry }) => reports.apply(key, entry?.value)));
        this.poke();
      },
      ...(onError ? { onError } : {}),
    });
  }

  /** A host's report, on its own stream to this controller; undefined: that stream ended. */
  heard(hostId: string, said: Said | undefined): void {
    const { reports } = this.#known;
    reports.hear(hostId, said);
    this.#onReports([hostId]);
    this.poke();
  }

  statusOf(kind: Kind, object: AnyObject, revision: number): Status {
    const { plans } = this.#known;
    // What this process has not seen yet, it cannot have compiled.
    if (revision > plans.revision) return { state: "pending", observed_revision: plans.revision };
    return { ...stateOf(kind, object, this.#known), observed_revision: plans.revision };
  }

  changed(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal.aborted) return resolve();
      const done = () => {
        this.#waiting.delete(done);
        signal.removeEventListener("abort", done);
        resolve();
      };
      this.#waiting.add(done);
      signal.addEventListener("abort", done);
    });
  }

  /** Some status may have changed. */
  poke(): void {
    for (const done of [...this.#waiting]) done();
  }
}
