import type { Kind } from "../nouns/noun.ts";
import type { RunAction, Sight } from "../plan/questions.ts";
import type { DropReason } from "../status/drop_reason.ts";

/** What becomes of a packet, told by the programs that would carry it. */
export interface TraceAnswer {
  /** delivered: to the port. answered: by the sender's host. unknown: a host that matters did not answer. */
  readonly outcome: "delivered" | "answered" | "dropped" | "unknown";
  /** One sentence. */
  readonly summary: string;
  readonly reason?: DropReason;
  /** What to change. */
  readonly hint?: string;
  readonly from: TraceEnd;
  readonly to: TraceEnd;
  /** The packet in a line. */
  readonly packet: string;
  /** The question for the next hop's MAC that comes before; missing where the packet is itself one. */
  readonly arp?: TraceHost;
  /** In the packet's order. Where nobody answers for the next hop, only the question's. */
  readonly hosts: readonly TraceHost[];
  /** What happened to a real packet. */
  readonly live?: LiveTrace;
}

export interface TraceEnd {
  readonly address: string;
  /** Names and ids of the port with the address, where there is one. */
  readonly port?: TraceObject;
  readonly network?: TraceObject;
  readonly vpc?: TraceObject;
  readonly project?: TraceObject;
  readonly host?: TraceObject;
}
export interface TraceObject {
  readonly kind: Kind;
  readonly id: string;
  readonly name: string;
}

export interface TraceHost {
  readonly host: TraceObject;
  /** Missing where the host did not answer. */
  readonly program?: string;
  readonly stages: readonly TraceStage[];
  readonly decision: TraceDecision;
  /** The packet as it left the programs, in a line. */
  readonly frame?: string;
}
export interface TraceStage {
  readonly stage: string;
  /** passed, or the one that ended it. */
  readonly result: "passed" | "ended";
  readonly words: string;
  /** The objects behind the decision. */
  readonly objects: readonly TraceObject[];
  /** The entries that were looked at. */
  readonly entries: readonly Sight[];
}
export interface TraceDecision {
  readonly action: RunAction | "unknown";
  readonly words: string;
  readonly reason?: DropReason;
  readonly title?: string;
  readonly hint?: string;
}

export interface LiveTrace {
  /** Same words as predicted, by host; in the order in which it was seen. */
  readonly hosts: readonly LiveHost[];
  /** Where reality is not as predicted; none: it is. */
  readonly differences: readonly string[];
}
export interface LiveHost {
  readonly host: TraceObject;
  readonly program?: string;
  readonly decision: TraceDecision;
  /** Milliseconds after it was sent, by the hosts' own clocks. */
  readonly after_ms?: number;
}

/** What a trace is asked for. */
export interface TraceRequest {
  readonly port_id: string;
  /** An address, or `gateway`. */
  readonly to: string;
  readonly protocol: TraceProtocol;
  /** Of TCP and UDP. */
  readonly port?: number;
  /** Bytes of the IP packet. */
  readonly size?: number;
  readonly live?: boolean;
}
export type TraceProtocol = "icmp" | "tcp" | "udp" | "arp";
