import type { SliceId } from "@onehop/core";

export interface OutboxOptions {
  /** The newest frame of the slice; undefined: it is gone, nothing is to be sent. */
  readonly frameOf: (id: SliceId) => string | Uint8Array | undefined;
  /** Calls back when the frame was handed to the kernel. */
  readonly send: (frame: string | Uint8Array, done: () => void) => void;
}

/** Frames handed over at a time; the next one waits until the network took one. */
const WINDOW = 8;

/**
 * What one host still has to get: ids, not contents, so that a slow host gets the newest content of each slice and never
 * holds more memory than one id a slice.
 */
export class Outbox {
  readonly #waiting = new Set<SliceId>();
  readonly #options: OutboxOptions;
  #flying = 0;

  constructor(options: OutboxOptions) {
    this.#options = options;
  }

  offer(ids: Iterable<SliceId>): void {
    for (const id of ids) this.#waiting.add(id);
    this.#drain();
  }

  #drain(): void {
    for (const id of this.#waiting) {
      if (this.#flying >= WINDOW) return;
      this.#waiting.delete(id);
      const frame = this.#options.frameOf(id);
      if (frame === undefined) continue;
      this.#flying++;
      this.#options.send(frame, () => {
        this.#flying--;
        this.#drain();
      });
    }
  }
}
