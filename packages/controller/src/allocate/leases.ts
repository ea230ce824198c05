import type { Clock, Store } from "@onehop/store";

/** Longest share of its time that a lease is handed out for again: one lease then serves all that ends together. */
const SHARED = 0.1;

/** Leases by the time that a key must live at least. Many keys share one, since each costs the store a timer. */
export class Leases {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #open = new Map<number, { lease: Promise<string>; until: number }>();

  constructor(store: Store, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  /** A lease with at least `seconds` to live, and at most a tenth (or one second) more. */
  lease(seconds: number): Promise<string> {
    const now = this.#clock.now();
    const open = this.#open.get(seconds);
    if (open && now < open.until) return open.lease;
    const shared = Math.max(1, Math.floor(seconds * SHARED));
    const lease = this.#store.grantLease(seconds + shared);
    this.#open.set(seconds, { lease, until: now + shared * 1000 });
    lease.catch(() => this.forget());
    return lease;
  }

  /** After the store lost one: all are granted anew. */
  forget(): void {
    this.#open.clear();
  }
}
