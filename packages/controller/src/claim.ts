import { type Clock, keys, pause, type Store } from "@onehop/store";

export interface ClaimOptions {
  readonly store: Store;
  readonly clock: Clock;
  /** What is claimed; all of the region, for now. */
  readonly shard: string;
  /** Of this controller; unique among those that live. */
  readonly name: string;
  readonly ttlSeconds?: number;
  /** Told at every gain, with the epoch, and at every loss, with undefined. */
  readonly onChange: (epoch: number | undefined) => void;
  readonly onError?: (error: unknown) => void;
}

/** Between looks at a claim that another holds. */
const WAIT_MS = 200;

/**
 * Who serves a shard: the controller whose name is in the claim key, under its lease. The key's create revision is the
 * epoch of everything it sends, so that a later owner always has a higher one. A controller that starts again takes
 * over what it left under its own name at once; anyone else waits for the lease to end.
 */
export class Claim {
  #epoch: number | undefined;
  /** Only once: a second process of our name must not be fought over and over. */
  #mayTakeOver = true;
  readonly #ttlSeconds: number;
  readonly #options: ClaimOptions;

  constructor(options: ClaimOptions) {
    this.#options = options;
    this.#ttlSeconds = options.ttlSeconds ?? 3;
  }

  /** Undefined: another serves the shard. */
  get epoch(): number | undefined {
    return this.#epoch;
  }

  /** Claims and holds until the signal aborts; then gives the claim back. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const lease = await this.#try(() => this.#acquire());
      if (lease !== undefined) {
        await this.#hold(lease, signal);
        this.#set(undefined);
        await this.#try(() => this.#options.store.revokeLease(lease));
      } else await pause(this.#options.clock, WAIT_MS, signal);
    }
  }

  /** The lease under which the claim is ours now; undefined: another has it. */
  async #acquire(): Promise<string | undefined> {
    const { store, shard, name } = this.#options;
    const key = keys.claim(shard);
    const held = await store.get(key);
    if (held) {
      if (held.value !== name || !this.#mayTakeOver) return undefined;
      await store.txn({ compare: [{ key, mod_revision: held.mod_revision }], then: [{ delete: key }] });
    }
    this.#mayTakeOver = false;
    const lease = await store.grantLease(this.#ttlSeconds);
    const put = await store.txn({ compare: [{ absent: key }], then: [{ put: key, value: name, lease }] });
    if (!put.ok) {
      await store.revokeLease(lease);
      return undefined;
    }
    this.#set(put.revision);
    return lease;
  }

  /** Returns when the claim is lost, or may be: the store did not answer for as long as the lease lasts. */
  async #hold(lease: string, signal: AbortSignal): Promise<void> {
    const { store, shard, clock } = this.#options;
    const ttl = this.#ttlSeconds * 1000;
    let sure = clock.now();
    while (!signal.aborted && clock.now() - sure < ttl) {
      await pause(clock, ttl / 4, signal);
      const asked = clock.now();
      const alive = await this.#try(() => store.keepAlive(lease));
      const held = alive ? await this.#try(() => store.get(keys.claim(shard))) : undefined;
      if (alive === false) return;
      if (!held) continue;
      if (held.create_revision !== this.#epoch) return;
      sure = asked;
    }
  }

  #set(epoch: number | undefined): void {
    if (epoch === this.#epoch) return;
    this.#epoch = epoch;
    this.#options.onChange(epoch);
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
