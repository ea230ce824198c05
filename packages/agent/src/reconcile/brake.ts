/** How long a plan that takes most ports away must stand before it is done. */
const HOLD_MS = 5000;
/** Below this many ports it is nothing out of the ordinary. */
const MANY = 20;

/** A brake on mass deletion: a plan that would take away most of a host's ports may be somebody's mistake. */
export class Brake {
  #since: number | undefined;

  /** Milliseconds to wait before doing it; 0: go on. */
  hold(had: ReadonlySet<string>, wanted: ReadonlySet<string>, now: number): number {
    const gone = [...had].filter((id) => !wanted.has(id)).length;
    if (had.size < MANY || gone * 2 <= had.size) {
      this.#since = undefined;
      return 0;
    }
    this.#since ??= now;
    return Math.max(0, this.#since + HOLD_MS - now);
  }
}
