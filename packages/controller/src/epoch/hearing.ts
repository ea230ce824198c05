import { type Clock, pause } from "@onehop/store";

/** Agents try again at least twice a second. */
export const HEARING_MS = 800;

/**
 * Who has said what it holds since this controller started. Where all controllers were gone, the hosts may be the only
 * ones who have seen more of the store than there is; so they are heard before anything is written that would hide it.
 */
export class Hearing {
  readonly #heard = new Set<string>();
  #onHeard: () => void = () => undefined;

  heard(hostId: string): void {
    this.#heard.add(hostId);
    this.#onHeard();
  }

  /** Resolves when all of them were heard, after HEARING_MS, or by the signal. */
  async all(hostIds: Iterable<string>, clock: Clock, signal: AbortSignal): Promise<void> {
    const awaited = [...hostIds];
    const done = new AbortController();
    this.#onHeard = () => {
      if (awaited.every((id) => this.#heard.has(id))) done.abort();
    };
    this.#onHeard();
    await pause(clock, HEARING_MS, AbortSignal.any([signal, done.signal]));
  }
}
