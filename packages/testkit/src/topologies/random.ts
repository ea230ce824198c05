/** Repeatable randomness: the same seed gives the same sequence on every machine (splitmix32). */
export class Random {
  #state: number;
  constructor(seed: number) {
    this.#state = seed | 0;
  }

  /** 32 bits. */
  bits(): number {
    this.#state = (this.#state + 0x9e3779b9) | 0;
    let z = this.#state ^ (this.#state >>> 16);
    z = Math.imul(z, 0x21f0aaad);
    z ^= z >>> 15;
    z = Math.imul(z, 0x735a2d97);
    return (z ^ (z >>> 15)) >>> 0;
  }
  /** low..high, both included. */
  int(low: number, high: number): number {
    return low + (this.bits() % (high - low + 1));
  }
  chance(percent: number): boolean {
    return this.int(0, 99) < percent;
  }
  /** One of them; throws RangeError where there is none. */
  pick<T>(from: readonly T[]): T {
    if (from.length === 0) throw new RangeError("nothing to pick from");
    return from[this.int(0, from.length - 1)] as T;
  }
  /** One of them, or undefined where there is none. */
  maybe<T>(from: readonly T[]): T | undefined {
    return from.length === 0 ? undefined : this.pick(from);
  }
  bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.bits() & 255);
  }
}
