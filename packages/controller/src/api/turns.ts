import { StoreError } from "@onehop/store";

interface Waiting {
  readonly run: () => Promise<void>;
  readonly reject: (error: unknown) => void;
}

/**
 * One writer at a time in this process. Writers of other processes are met at the store, where each race costs the loser
 * another try; those of one process need not race at all.
 */
export class Turns {
  readonly #waiting: Waiting[] = [];
  #busy = false;

  /** Runs `work` when all that came before has ended. */
  take<T>(work: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const run = async () => resolve(await work());
      this.#waiting.push({ run, reject });
      void this.#next();
    });
  }

  async #next(): Promise<void> {
    if (this.#busy) return;
    this.#busy = true;
    for (let turn = this.#waiting.shift(); turn; turn = this.#waiting.shift()) {
      try {
        await turn.run();
      } catch (error) {
        turn.reject(error);
        // Whoever waits behind a store that is away would wait in vain, each for its own timeout.
        if (error instanceof StoreError && error.code === "unavailable")
          for (const other of this.#waiting.splice(0)) other.reject(error);
      }
    }
    this.#busy = false;
  }
}
