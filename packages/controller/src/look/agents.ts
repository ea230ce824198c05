import { OnehopError, type Question, type WatchLimits, type WatchPart, type WatchWant } from "@onehop/core";

/** A watch on a host that works. */
export interface RemoteWatch {
  /** Ends it; its last part comes afterwards. */
  stop(): void;
}

/** The agents that are connected to this controller. Both throw OnehopError (503) where a host does not answer. */
export interface Agents {
  ask(hostId: string, question: Question): Promise<unknown>;
  /** Resolves when the host's programs tell; every part until the last one, which says why it ended, goes to `onPart`. */
  watch(hostId: string, watch: WatchRequest): Promise<RemoteWatch>;
}
export interface WatchRequest {
  readonly want: WatchWant;
  readonly limits: WatchLimits;
  /** Also told, with `end: "failed"`, where the stream to the host ends. */
  readonly onPart: (part: Pick<WatchPart, "packets" | "lost" | "end">) => void;
}

export const unanswered = (why: string): OnehopError =>
  new OnehopError({
    code: "host_unreachable",
    status: 503,
    message: `The host does not answer: ${why}.`,
    hint: "See whether its agent runs: onehop host show.",
    retry_after: 1,
  });

const nobody = async (): Promise<never> => {
  throw unanswered("no agent is connected to this controller");
};
export const NO_AGENTS: Agents = { ask: nobody, watch: nobody };
