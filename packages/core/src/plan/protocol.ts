import type { Lessons, Verdicts } from "./learning.ts";
import type { Question, WatchPart, WatchStart, WatchStop } from "./questions.ts";
import type { SliceEnvelope, SliceId } from "./slices.ts";

/** The stream between agent and controller: JSON text frames over a WebSocket, path /agent/v1. */
export const PROTOCOL_VERSION = 1;

/** First frame of an agent: who it is and what it holds, so that only what differs is sent. */
export interface Hello {
  readonly type: "hello";
  readonly version: number;
  /** Host name or id. */
  readonly host: string;
  readonly have: readonly Held[];
}
export interface Held {
  readonly id: SliceId;
  readonly epoch: number;
  readonly generation: number;
  readonly hash: string;
}

/** Replaces the agent's copy of a slice. */
export interface SliceMessage extends SliceEnvelope {
  readonly type: "slice";
}
/** The agent's copy has the right content already; only its epoch and generation move. */
export interface SliceSame extends Held {
  readonly type: "same";
}

/** What is in the kernel now. Sent after each apply, and whenever a port's condition changes. */
export interface Report {
  readonly type: "report";
  readonly applied: readonly Held[];
  /** Ports bound to this host that are not as planned, with why. Missing: all is well. */
  readonly degraded: readonly PortProblem[];
  /** Everything that the host's own slice lists has come, or was confirmed, by this stream and is applied. */
  readonly whole?: boolean;
}
export interface PortProblem {
  readonly port_id: string;
  readonly reason: string;
}

/** Sent before the controller closes a stream it cannot serve. */
export interface Refused {
  readonly type: "refused";
  readonly code: "unknown_host" | "wrong_version" | "not_owner";
  readonly message: string;
}

/** A question to a host, asked for a user; answered with the same id. */
export type Query = Question & {
  readonly type: "query";
  readonly id: number;
};
export interface Answer {
  readonly type: "answer";
  readonly id: number;
  /** Missing where `error` says why. */
  readonly result?: unknown;
  readonly error?: string;
}

export type FromAgent = Hello | Report | Answer | WatchPart | Lessons;
export type ToAgent = SliceMessage | SliceSame | Refused | Query | WatchStart | WatchStop | Verdicts;
