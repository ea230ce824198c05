import type { Clock } from "../clock.ts";

interface Lease {
  readonly ttlMs: number;
  readonly keys: Set<string>;
  cancel: () => void;
}

/** Which keys hang on which lease, and when each lease ends. */
export class Leases {
  readonly #clock: Clock;
  readonly #end: (keys: readonly string[]) => void;
  readonly #leases = new Map<string, Lease>();
  readonly #leaseOf = new Map<string, Lease>();
  #granted = 0;

  /** `end` deletes the keys of a lease that has ended. */
  constructor(clock: Clock, end: (keys: readonly string[]) => void) {
    this.#clock = clock;
    this.#end = end;
  }

  grant(ttlSeconds: number): string {
    const id = String(++this.#granted);
    const ttlMs = ttlSeconds * 1000;
    this.#leases.set(id, { ttlMs, keys: new Set(), cancel: this.#endAfter(id, ttlMs) });
    return id;
  }

  has(id: string): boolean {
    return this.#leases.has(id);
  }

  keepAlive(id: string): boolean {
    const lease = this.#leases.get(id);
    if (!lease) return false;
    lease.cancel();
    lease.cancel = this.#endAfter(id, lease.ttlMs);
    return true;
  }

  revoke(id: string): void {
    const lease = this.#leases.get(id);
    if (!lease) return;
    lease.cancel();
    this.#leases.delete(id);
    this.#end([...lease.keys].sort());
  }

  /** The key is now under this lease, or under none. */
  attach(key: string, id: string | undefined): void {
    this.#leaseOf.get(key)?.keys.delete(key);
    this.#leaseOf.delete(key);
    const lease = id === undefined ? undefined : this.#leases.get(id);
    if (!lease) return;
    lease.keys.add(key);
    this.#leaseOf.set(key, lease);
  }

  close(): void {
    for (const lease of this.#leases.values()) lease.cancel();
  }

  #endAfter(id: string, ms: number): () => void {
    return this.#clock.after(ms, () => this.revoke(id));
  }
}
