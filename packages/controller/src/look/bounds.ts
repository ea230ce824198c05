import { OnehopError } from "@onehop/core";
import type { Agents } from "./agents.ts";

/** How many of something may go on at a time, by who or where. */
export class Places {
  readonly #most: number;
  readonly #refusal: (running: number) => OnehopError;
  readonly #taken = new Map<string, number>();

  constructor(most: number, refusal: (running: number) => OnehopError) {
    this.#most = most;
    this.#refusal = refusal;
  }

  /** One more; the answer gives it back, once. Throws the refusal where there are enough. */
  take(key: string): () => void {
    const running = this.#taken.get(key) ?? 0;
    if (running >= this.#most) throw this.#refusal(running);
    this.#taken.set(key, running + 1);
    let given = false;
    return () => {
      if (given) return;
      given = true;
      const left = (this.#taken.get(key) ?? 1) - 1;
      if (left > 0) this.#taken.set(key, left);
      else this.#taken.delete(key);
    };
  }
}

export const tooMany = (code: string, message: string, hint: string): OnehopError =>
  new OnehopError({ code, status: 429, message, hint, retry_after: 1 });

/** Watches of one host that this controller begins. An agent takes eight of all controllers together, counts of pairs with them. */
const WATCHES_A_HOST = 6;
/** Of one project at a time, so that one tenant does not keep the others from looking. */
const CAPTURES_A_PROJECT = 2;
const LIVE_TRACES_A_PROJECT = 2;

export const capturesOfProjects = (): Places =>
  new Places(CAPTURES_A_PROJECT, (running) =>
    tooMany(
      "too_many_captures",
      `The project has ${running} captures running already.`,
      "Let one of them end, or limit them with seconds and count.",
    ),
  );

export const liveTracesOfProjects = (): Places =>
  new Places(LIVE_TRACES_A_PROJECT, (running) =>
    tooMany(
      "too_many_traces",
      `The project has ${running} live traces running already.`,
      "Each ends within seconds: try again then.",
    ),
  );

/** Agents of which each is watched so often at most; others get 429. */
export function bounded(agents: Agents): Agents {
  const hosts = new Places(WATCHES_A_HOST, (running) =>
    tooMany(
      "host_busy",
      `${running} others watch on this host already.`,
      "Try again when one of them has ended; captures do within 5 minutes.",
    ),
  );
  return {
    ask: (hostId, question) => agents.ask(hostId, question),
    async watch(hostId, request) {
      const free = hosts.take(hostId);
      const onPart: typeof request.onPart = (part) => {
        if (part.end) free();
        request.onPart(part);
      };
      try {
        const watch = await agents.watch(hostId, { ...request, onPart });
        return {
          stop: () => {
            free();
            watch.stop();
          },
        };
      } catch (error) {
        free();
        throw error;
      }
    },
  };
}
