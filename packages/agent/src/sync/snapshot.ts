import { open, readFile, rename } from "node:fs/promises";
import { join } from "node:path";
import type { SliceEnvelope } from "@onehop/core";
import type { Clock } from "../clock.ts";

const VERSION = 1;
/** Between two writes: a plan of thousands of ports is not written for each of them. */
const SPACING_MS = 500;

/** The last plan on disk, for a start with no controller alive. */
export class Snapshot {
  readonly #path: string;
  readonly #clock: Clock;
  readonly #onError: (error: unknown) => void;
  #pending: (() => readonly SliceEnvelope[]) | undefined;
  #writing: Promise<void> | undefined;

  constructor(options: { stateDir: string; clock: Clock; onError: (error: unknown) => void }) {
    this.#path = join(options.stateDir, "plan.json");
    this.#clock = options.clock;
    this.#onError = options.onError;
  }

  /** Nothing where there is none, or none that can be read: the controllers have it too. */
  async load(): Promise<readonly SliceEnvelope[]> {
    try {
      const stored = JSON.parse(await readFile(this.#path, "utf8")) as { version?: number; slices?: SliceEnvelope[] };
      if (stored.version === VERSION && Array.isArray(stored.slices)) return stored.slices;
      this.#onError(new Error(`${this.#path} is of another version; it is not used`));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") this.#onError(error);
    }
    return [];
  }

  /** Writes what `slices` answers soon; calls in between are one. */
  save(slices: () => readonly SliceEnvelope[]): void {
    this.#pending = slices;
    this.#writing ??= this.#drain();
  }

  /** Resolves when everything is written. */
  async flush(): Promise<void> {
    await this.#writing;
  }

  async #drain(): Promise<void> {
    while (this.#pending) {
      const slices = this.#pending();
      this.#pending = undefined;
      await this.#write(slices).catch(this.#onError);
      if (this.#pending) await new Promise<void>((resolve) => this.#clock.after(SPACING_MS, resolve));
    }
    this.#writing = undefined;
  }

  /** Whole or not at all, even where the power fails: written beside, synced, renamed. */
  async #write(slices: readonly SliceEnvelope[]): Promise<void> {
    const beside = `${this.#path}.new`;
    const file = await open(beside, "w", 0o600);
    try {
      await file.writeFile(JSON.stringify({ version: VERSION, slices }));
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(beside, this.#path);
  }
}
