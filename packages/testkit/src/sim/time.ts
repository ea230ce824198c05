interface Event {
  readonly at: number;
  /** Of two at one time, which comes first. */
  readonly order: number;
  run: (() => void) | undefined;
}

/** Turns of microtasks before the process's other work has its turn. */
const TURNS = 2000;

/** Simulated time: events in a heap, one after another; all promises that an event settles go on before the next. */
export class Time {
  /** Milliseconds. */
  now = 0;
  events = 0;
  readonly #heap: Event[] = [];
  #order = 0;

  /** Calls `run` in so many milliseconds; the answer cancels it. */
  after(ms: number, run: () => void): () => void {
    const event: Event = { at: this.now + Math.max(0, ms), order: this.#order++, run };
    this.#push(event);
    return () => {
      event.run = undefined;
    };
  }

  /** Goes on until `ends` says so, which is asked after each event, or until then. */
  async run(ms: number, ends: () => boolean = () => false): Promise<void> {
    const until = this.now + ms;
    await settled();
    for (let next = this.#heap[0]; next && next.at <= until; next = this.#heap[0]) {
      this.#pop();
      if (!next.run) continue;
      this.now = next.at;
      next.run();
      await settled();
      if (++this.events % TURNS === 0) await new Promise<void>((resolve) => setImmediate(resolve));
      if (ends()) return;
    }
    this.now = until;
  }

  #push(event: Event): void {
    const heap = this.#heap;
    let i = heap.push(event) - 1;
    for (let up = (i - 1) >> 1; i > 0 && isBefore(event, heap[up]!); up = (i - 1) >> 1) {
      heap[i] = heap[up]!;
      i = up;
    }
    heap[i] = event;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop()!;
    if (heap.length === 0) return;
    let i = 0;
    for (let child = 1; child < heap.length; child = 2 * i + 1) {
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++;
      if (!isBefore(heap[child]!, last)) break;
      heap[i] = heap[child]!;
      i = child;
    }
    heap[i] = last;
  }
}

const isBefore = (a: Event, b: Event): boolean => a.at < b.at || (a.at === b.at && a.order < b.order);

/** Ticks of Node.js come when no promise has anything left to do: nothing of the simulated waits for more. */
const settled = () => new Promise<void>((resolve) => process.nextTick(resolve));
