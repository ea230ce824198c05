import type { Held, SliceId } from "@onehop/core";

/** What simulated hosts have seen, since it was last cleared. */
export interface Sight {
  readonly frames: number;
  readonly bytes: number;
  /** Slices of a lower epoch or generation than was held: refused. */
  readonly stale: number;
  readonly refusals: readonly string[];
  /** Hosts told, of each content of a network that came. */
  readonly told: readonly (readonly [network: string, hosts: number])[];
  /** Of each slice: when the last host had it under the newest epoch, ms since 1970. */
  readonly owned: readonly (readonly [id: SliceId, epoch: number, at: number])[];
}

/** Milliseconds since 1970, with fractions: the same clock in all processes. */
export const wallMs = (): number => performance.timeOrigin + performance.now();

/** Counts what the hosts of one process see. */
export class Seen {
  #frames = 0;
  #bytes = 0;
  #stale = 0;
  readonly #refusals = new Set<string>();
  readonly #told = new Map<string, number>();
  readonly #owned = new Map<SliceId, { epoch: number; at: number }>();

  frame({ id, generation }: Held, bytes: number): void {
    this.#frames++;
    this.#bytes += bytes;
    if (bytes === 0 || !id.startsWith("network/")) return;
    const key = `${id} ${generation}`;
    this.#told.set(key, (this.#told.get(key) ?? 0) + 1);
  }
  stale(): void {
    this.#stale++;
  }
  refused(why: string): void {
    if (this.#refusals.size < 10) this.#refusals.add(why);
  }
  has({ id, epoch }: Held): void {
    const known = this.#owned.get(id);
    if (known && known.epoch > epoch) return;
    this.#owned.set(id, { epoch, at: wallMs() });
  }

  clear(): void {
    this.#frames = this.#bytes = this.#stale = 0;
    this.#refusals.clear();
    this.#told.clear();
    this.#owned.clear();
  }

  read(): Sight {
    return {
      ...{ frames: this.#frames, bytes: this.#bytes, stale: this.#stale, refusals: [...this.#refusals] },
      told: [...this.#told].map(([key, hosts]) => [key, hosts]),
      owned: [...this.#owned].map(([id, { epoch, at }]) => [id, epoch, at]),
    };
  }
}
