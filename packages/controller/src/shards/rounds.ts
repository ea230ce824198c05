import type { SliceId } from "@onehop/core";
import type { Clock } from "@onehop/store";

export interface RoundsOptions {
  readonly clock: Clock;
  readonly work: (id: SliceId) => void;
  /** A slice was worked on so many milliseconds after it was added. */
  readonly onDone?: (id: SliceId, ms: number) => void;
  readonly onError?: (id: SliceId, error: unknown) => void;
  /** Lets other events of the process have their turn. */
  readonly breathe?: () => Promise<void>;
}

/** Between turns of the event loop. */
const SLICE_OF_TIME_MS = 4;
const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve));

/**
 * Slices to be compiled and sent, in a queue for each cause (a VPC, or the hosts): one of each in turn, so that a change
 * that touches much of one VPC holds up no other.
 */
export class Rounds {
  readonly #options: RoundsOptions;
  readonly #queues = new Map<string, Set<SliceId>>();
  /** When each was added first. */
  readonly #since = new Map<SliceId, number>();
  #draining = false;

  constructor(options: RoundsOptions) {
    this.#options = options;
  }

  get length(): number {
    return this.#since.size;
  }
  /** Causes that wait. */
  get queues(): number {
    return this.#queues.size;
  }

  add(cause: string, ids: Iterable<SliceId>): void {
    const now = this.#options.clock.now();
    const queue = this.#queues.get(cause) ?? new Set();
    for (const id of ids) {
      queue.add(id);
      if (!this.#since.has(id)) this.#since.set(id, now);
    }
    if (queue.size > 0) this.#queues.set(cause, queue);
    if (!this.#draining) void this.#drain();
  }

  async #drain(): Promise<void> {
    const { clock, breathe = nextTurn } = this.#options;
    this.#draining = true;
    let began = clock.now();
    while (this.#queues.size > 0)
      for (const [cause, queue] of this.#queues) {
        this.#step(cause, queue);
        if (clock.now() - began < SLICE_OF_TIME_MS) continue;
        await breathe();
        began = clock.now();
      }
    this.#draining = false;
  }

  #step(cause: string, queue: Set<SliceId>): void {
    const [id] = queue;
    if (id === undefined) {
      this.#queues.delete(cause);
      return;
    }
    queue.delete(id);
    if (queue.size === 0) this.#queues.delete(cause);
    const since = this.#since.get(id);
    // Done already, for another cause.
    if (since === undefined || !this.#since.delete(id)) return;
    try {
      this.#options.work(id);
    } catch (error) {
      this.#options.onError?.(id, error);
    }
    this.#options.onDone?.(id, this.#options.clock.now() - since);
  }
}
