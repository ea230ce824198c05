import type { Difference } from "./content.ts";
import type { Lessons, Verdicts } from "./learning.ts";
import type { Question, WatchPart, WatchStart, WatchStop } from "./questions.ts";
import type { SliceEnvelope, SliceId } from "./slices.ts";

/**
 * The stream between an agent and a controller, over a WebSocket: messages are JSON in text frames, slices are binary
 * frames (wire.ts). A host has one to each live controller, and gets each slice from the one that owns it.
 */
export const PROTOCOL_VERSION = 4;
export const STREAM_PATH = `/agent/v${PROTOCOL_VERSION}`;
/** Where controllers hear of one another, at the same server. */
export const MEMBER_PATH = "/member/v1";

/** `unix:/run/x.sock` → the URL of a path there; throws with a sentence where it is no address. */
export function streamUrl(address: string, path: string): string {
  if (address.startsWith("unix:/")) return `ws+unix:${address.slice(5)}:${path}`;
  if (/^tcp:.+:\d{1,5}$/.test(address)) return `ws://${address.slice(4)}${path}`;
  if (/^tls:.+:\d{1,5}$/.test(address)) return `wss://${address.slice(4)}${path}`;
  throw new Error(`${address} is no address: use unix:/path, tcp:host:port or tls:host:port.`);
}

/** Close codes of RFC 6455, and two of our own. */
export const CLOSE = {
  goingAway: 1001,
  badFrame: 1002,
  refused: 1008,
  /** The host opened another stream to the same controller, which is used instead. */
  replaced: 4001,
} as const;

const EPOCHS_OF_A_STORE = 2 ** 42;
/**
 * Epoch of the slices under a claim: that of the store (one more each time that it was restored from a copy), then the
 * revision of the claim, so that a later owner has always a higher one, also after a restore.
 */
export const epochOf = (storeEpoch: number, claimRevision: number): number =>
  (storeEpoch - 1) * EPOCHS_OF_A_STORE + claimRevision;

/** What a slice's epoch is made of. */
export const epochPartsOf = (epoch: number): { readonly storeEpoch: number; readonly claimRevision: number } => ({
  storeEpoch: Math.floor(epoch / EPOCHS_OF_A_STORE) + 1,
  claimRevision: epoch % EPOCHS_OF_A_STORE,
});

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
/**
 * Changes the agent's copy of a slice, where that is the one with this hash; else it is lacking. Hashes say what differs from
 * what, so that it needs no order between messages.
 */
export interface SliceDifference extends Held {
  readonly type: "difference";
  readonly base: string;
  readonly difference: Difference;
}
/** The agent's copy has the right content already; only its epoch and generation move. */
export interface SliceSame extends Held {
  readonly type: "same";
}

/** First of a controller, and again whenever they change: all that live, so that the host finds them. */
export interface Members {
  readonly type: "members";
  /** Name of the one that says so. */
  readonly self: string;
  readonly members: readonly Member[];
}
export interface Member {
  readonly name: string;
  /** Where it serves agents. */
  readonly address: string;
}
/** The controller owns these no more: what it said of them may be out of date from now on. */
export interface Released {
  readonly type: "released";
  readonly ids: readonly SliceId[];
}
/** From an agent: it has not what was said to be the same, or to differ, or what its own slice lists. Their owner sends them whole. */
export interface Lacking {
  readonly type: "lacking";
  readonly ids: readonly SliceId[];
}

/** What is in the kernel now. Sent after each apply, and whenever a port's condition changes. */
export interface Report {
  readonly type: "report";
  readonly applied: readonly Held[];
  /**
   * Missing: `applied` is all that is. Else it is only what is new since the report before on this stream, and these are
   * not applied any more: a hub of a large VPC holds hundreds of slices, and one of them changes.
   */
  readonly gone?: readonly SliceId[];
  /** Ports bound to this host that are not as planned, with why. Missing: all is well. */
  readonly degraded: readonly PortProblem[];
  /** Everything that the host's own slice lists has come, or was confirmed, by a stream that lives, and is applied. */
  readonly whole?: boolean;
  /** VPCs that it is a hub of, by its plan as applied, whose tables found room. */
  readonly hub_of?: readonly string[];
}
export interface PortProblem {
  readonly port_id: string;
  readonly reason: string;
}

/** Sent before the controller closes a stream it cannot serve. */
export interface Refused {
  readonly type: "refused";
  readonly code: "unknown_host" | "wrong_version" | "not_authorised";
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

export type FromAgent = Hello | Report | Answer | WatchPart | Lessons | Lacking;
export type ToAgent =
  | Members
  | SliceMessage
  | SliceDifference
  | SliceSame
  | Released
  | Refused
  | Query
  | WatchStart
  | WatchStop
  | Verdicts;
