import { type Clock, systemClock } from "./clock.ts";
import type { Store } from "./store.ts";

/** A lease that is kept alive until it is stopped or lost. */
export interface KeptLease {
  readonly lease: string;
  /** Aborts when the lease has ended, or may have: then nothing may be done any more that needs it. */
  readonly lost: AbortSignal;
  /** Ends the lease and with it its keys; resolves also where the store does not answer (it then ends by itself). */
  stop(): Promise<void>;
}

/** In a lease's time: how often it is kept alive, and how often that is tried again while the store does not answer. */
const BEATS = 3;
const RETRIES = 10;

/** Grants a lease and keeps it until it is stopped, and holds it for lost as soon as its time is over unanswered. */
export async function keepLease(store: Store, ttlSeconds: number, clock: Clock = systemClock): Promise<KeptLease> {
  const asked = clock.now();
  const lease = await store.grantLease(ttlSeconds);
  const keeper = new LeaseKeeper(store, { lease, ttlMs: ttlSeconds * 1000, clock });
  keeper.prolonged(asked);
  keeper.schedule(BEATS);
  return keeper;
}

interface Kept {
  readonly lease: string;
  readonly ttlMs: number;
  readonly clock: Clock;
}

class LeaseKeeper implements KeptLease {
  readonly lease: string;
  readonly #lost = new AbortController();
  readonly #store: Store;
  readonly #kept: Kept;
  #stopped = false;
  #cancelBeat = () => {};
  #cancelEnd = () => {};

  constructor(store: Store, kept: Kept) {
    this.#store = store;
    this.#kept = kept;
    this.lease = kept.lease;
  }

  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  async stop(): Promise<void> {
    this.#end();
    await this.#store.revokeLease(this.lease).catch(() => {});
  }

  /** Counted from when it was asked, since the store's time began no earlier than that. */
  prolonged(asked: number): void {
    const { clock, ttlMs } = this.#kept;
    this.#cancelEnd();
    this.#cancelEnd = clock.after(ttlMs - (clock.now() - asked), () => this.#lose("was not answered in its time"));
  }

  schedule(perTtl: number): void {
    this.#cancelBeat = this.#kept.clock.after(this.#kept.ttlMs / perTtl, () => void this.#beat());
  }

  async #beat(): Promise<void> {
    const asked = this.#kept.clock.now();
    // An error says nothing about the lease: the end of its time decides.
    const alive = await this.#store.keepAlive(this.lease).catch(() => undefined);
    if (this.#stopped) return;
    if (alive === false) return this.#lose("has ended");
    if (alive) this.prolonged(asked);
    this.schedule(alive ? BEATS : RETRIES);
  }

  #lose(why: string): void {
    this.#end();
    this.#lost.abort(new Error(`Lease ${this.lease} ${why}.`));
  }

  #end(): void {
    this.#stopped = true;
    this.#cancelBeat();
    this.#cancelEnd();
  }
}
