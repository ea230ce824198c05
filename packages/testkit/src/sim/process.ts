import type { Clock } from "@onehop/core";
import type { Time } from "./time.ts";

interface Timer {
  due: number;
  readonly fn: () => void;
  cancel: () => void;
}

/** What became of the clock of a process that did not run: that of a stopped process goes on, that of a stopped machine does not. */
export type Pause = "stopped process" | "stopped machine";

/**
 * A simulated process. Everything from outside (time, store, streams) comes to it through `do`, so that it can be killed or
 * paused between any two events, which is at any await: what a dead one waits for never comes.
 */
export class Process {
  /** Name of the machine, which outlives it. */
  readonly machine: string;
  readonly #time: Time;
  readonly #timers = new Set<Timer>();
  readonly #ends: (() => void)[] = [];
  #held: (() => void)[] = [];
  #state: "running" | "paused" | "dead" = "running";
  #pausedAt = 0;
  #behind = 0;

  constructor(machine: string, time: Time) {
    this.machine = machine;
    this.#time = time;
  }

  readonly clock: Clock = {
    now: () => (this.#state === "paused" ? this.#pausedAt : this.#time.now) - this.#behind,
    after: (ms, fn) => this.#after(ms, fn),
  };

  get dead(): boolean {
    return this.#state === "dead";
  }
  get running(): boolean {
    return this.#state === "running";
  }

  /** Now, or when it wakes up, or never. */
  do(fn: () => void): void {
    if (this.#state === "running") fn();
    else if (this.#state === "paused") this.#held.push(fn);
  }

  /** Resolves after so many milliseconds; never, once it is dead. */
  wait(ms: number): Promise<void> {
    return new Promise((resolve) => void this.#time.after(ms, () => this.do(resolve)));
  }

  /** Called when it dies. */
  onEnd(fn: () => void): void {
    this.#ends.push(fn);
  }

  pause(): void {
    if (this.#state !== "running") return;
    this.#state = "paused";
    this.#pausedAt = this.#time.now;
  }

  wake(how: Pause): void {
    if (this.#state !== "paused") return;
    this.#state = "running";
    if (how === "stopped machine") this.#shift(this.#time.now - this.#pausedAt);
    for (const fn of this.#held.splice(0)) this.#time.after(0, () => this.do(fn));
  }

  die(): void {
    if (this.#state === "dead") return;
    this.#state = "dead";
    for (const timer of this.#timers) timer.cancel();
    this.#timers.clear();
    this.#held = [];
    for (const end of this.#ends.splice(0)) end();
  }

  #after(ms: number, fn: () => void): () => void {
    if (this.dead) return () => undefined;
    const timer: Timer = { due: this.#time.now + ms, fn, cancel: () => undefined };
    this.#timers.add(timer);
    this.#arm(timer);
    return () => {
      this.#timers.delete(timer);
      timer.cancel();
    };
  }

  #arm(timer: Timer): void {
    timer.cancel = this.#time.after(timer.due - this.#time.now, () =>
      this.do(() => {
        // Of a clock that stood still, it is not due yet.
        if (timer.due > this.#time.now || !this.#timers.delete(timer)) return;
        timer.fn();
      }),
    );
  }

  /** The clock stood still for so long. */
  #shift(ms: number): void {
    this.#behind += ms;
    for (const timer of this.#timers) {
      timer.cancel();
      timer.due += ms;
      this.#arm(timer);
    }
  }
}
