import type { SliceId } from "@onehop/core";
import type { Clock } from "@onehop/store";

export interface RoundsOptions {
  readonly clock: Clock;
  /** Answers how many hosts were told. */
  readonly work: (id: SliceId) => number;
  /** A slice was worked on so many milliseconds after it was added. */
  readonly onDone?: (id: SliceId, ms: number) => void;
  readonly onError?: (id: SliceId, error: unknown) => void;
  /** Lets other events of the process have their turn. */
  readonly breathe?: () => Promise<void>;
}

/**
 * How long a slice rests that was sent, for each host that was told, and at most: changes that come meanwhile go out
 * together.
 */
const REST_MS = 2;
const MOST_REST_MS = 500;
/** Between turns of the event loop. */
const SLICE_OF_TIME_MS = 4;
const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve));

/**
 * Slices to be compiled and sent, in a queue for each cause (a VPC, or the hosts): one of each in turn, so that a change
 * that touches much of one VPC holds up no other. What was just sent rests before it is sent again.
 */
export class Rounds {
  readonly #options: RoundsOptions;
  readonly #queues = new Map<string, Set<SliceId>>();
  /** When each was added first. */
  readonly #since = new Map<SliceId, number>();
  /** Those that rest, with the causes that came meanwhile. */
  readonly #resting = new Map<SliceId, Set<string>>();
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
    for (const id of ids) this.#enqueue(cause, id);
    if (!this.#draining) void this.#drain();
  }

  #enqueue(cause: string, id: SliceId): void {
    if (!this.#since.has(id)) this.#since.set(id, this.#options.clock.now());
    const meanwhile = this.#resting.get(id);
    if (meanwhile) {
      meanwhile.add(cause);
      return;
    }
    const queue = this.#queues.get(cause);
    if (queue) queue.add(id);
    else this.#queues.set(cause, new Set([id]));
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
      this.#rest(id, this.#options.work(id));
    } catch (error) {
      this.#options.onError?.(id, error);
    }
    this.#options.onDone?.(id, this.#options.clock.now() - since);
  }

  #rest(id: SliceId, told: number): void {
    if (told === 0) return;
    const causes = new Set<string>();
    this.#resting.set(id, causes);
    this.#options.clock.after(Math.min(told * REST_MS, MOST_REST_MS), () => {
      this.#resting.delete(id);
      for (const cause of causes) this.#enqueue(cause, id);
      if (!this.#draining) void this.#drain();
    });
  }
}
