import type { Findings } from "./result.ts";

/** What every figure is given; it builds the labs that it needs, and takes them down. */
export interface LearnContext {
  /** Smaller counts: minutes instead of a quarter of an hour. */
  readonly quick: boolean;
  readonly progress: (what: string) => void;
  /** Tells of something that makes a figure doubtful, beside the figure. */
  readonly problem: (what: string) => void;
  /** Aborted: no further figure begins, and long ones throw. */
  readonly signal: AbortSignal;
}

/** One figure, or some that come of the same traffic. Where it throws, the others are measured all the same. */
export interface LearnFigure {
  /** As `--only NAME` says it. */
  readonly name: string;
  readonly measure: (context: LearnContext) => Promise<Findings>;
}
