/** The wall clock, as finely as captures tell it: Date has milliseconds only. */
export class WallClock {
  #offset = 0;
  #adjusted = Number.NEGATIVE_INFINITY;

  /** Reads the clock's millisecond as it begins; at most once a second, since it waits for that. */
  adjust(): void {
    if (performance.now() - this.#adjusted < 1000) return;
    const before = Date.now();
    let now = before;
    while (now === before) now = Date.now();
    this.#adjusted = performance.now();
    this.#offset = now - this.#adjusted;
  }

  /** Nanoseconds. */
  now(): bigint {
    const ms = this.#offset + performance.now();
    return BigInt(Math.floor(ms)) * 1_000_000n + BigInt(Math.round((ms % 1) * 1e6));
  }
}
