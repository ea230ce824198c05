import type { DropReason } from "../status/drop_reason.ts";
import type { Lesson } from "./learning.ts";

/** What a host is asked for a user, over the stream. Frames travel as base64. */
export type Question =
  | CountersQuestion
  | HostQuestion
  | RunQuestion
  | InjectQuestion
  | DropsQuestion
  | TopQuestion
  | LearnedQuestion
  | BarsQuestion;

/** Counters of one port. */
export interface CountersQuestion {
  readonly what: "counters";
  readonly port_id: string;
}
/** Table sizes, drops and link states of the host. */
export interface HostQuestion {
  readonly what: "host";
}

/** A frame through the programs, over the tables as they are; nothing is sent, nothing counted. Answered by RunAnswer. */
export interface RunQuestion {
  readonly what: "run";
  /** The sending port; without it the frame comes from the underlay. */
  readonly port_id?: string;
  readonly frame: string;
}
export interface RunAnswer {
  readonly program: "from_endpoint" | "from_uplink" | "from_overlay";
  /** Device that the sending port has; missing: none. */
  readonly device?: string;
  /** Those it passed, in order; the last one ended it. */
  readonly stages: readonly RunStage[];
  readonly class: string;
  readonly action: RunAction;
  /** Also where an ICMP error was sent instead. */
  readonly reason?: DropReason;
  /** Guest's port it was delivered to. */
  readonly to_port?: string;
  /** Number of the host it was sent to, and how. */
  readonly to_host?: number;
  readonly out?: { readonly device: string; readonly next_hop: string };
  /** Afterwards. */
  readonly frame: string;
}
export type RunAction = "drop" | "guest" | "host" | "reply" | "stack" | "none" | "ask" | "learned";
export interface RunStage {
  readonly stage: string;
  /** Entries that the stage looked at. */
  readonly seen: readonly Sight[];
}
/** An entry of a table, as it is in the kernel; value null: there is none. */
export interface Sight {
  readonly table: string;
  readonly key: unknown;
  readonly value: Readonly<Record<string, unknown>> | null;
}

/** Sends a frame as if the port's guest had. */
export interface InjectQuestion {
  readonly what: "inject";
  readonly port_id: string;
  readonly frame: string;
}

/** What was dropped on the host: all of it, or that of these VPCs (their VNIs). Answered by DropRow[]. */
export interface DropsQuestion {
  readonly what: "drops";
  readonly vpcs?: readonly number[];
}
export interface DropRow {
  /** Missing: no port of this host stands for it. */
  readonly port_id?: string;
  /** VNI of the VPC; missing: not known. */
  readonly vpc?: number;
  readonly reason: DropReason;
  readonly packets: number;
  readonly bytes: number;
  /** RFC 3339. */
  readonly since: string;
  /** It began earlier: before the agent that answers. */
  readonly since_before?: true;
  readonly last: string;
  /** One of them, in a line: `10.0.1.5 > 10.0.2.6 udp 40000 > 9`. */
  readonly example?: string;
}

/** Traffic of a short while: of the host's ports, or of pairs of addresses. Answered by TopRow[]. */
export interface TopQuestion {
  readonly what: "top";
  readonly by: "ports" | "pairs";
  readonly seconds: number;
  readonly vpcs?: readonly number[];
}
/** Rates a second. A pair is counted where it is sent, so it has no `rx`. */
export interface TopRow {
  readonly port_id?: string;
  readonly vpc?: number;
  readonly src?: string;
  readonly dst?: string;
  readonly tx_pps: number;
  readonly tx_bps: number;
  readonly rx_pps?: number;
  readonly rx_bps?: number;
}

/** Learned entries of the host: all of them, or those of these VPCs (their VNIs). Answered by LearnedAnswer. */
export interface LearnedQuestion {
  readonly what: "learned";
  readonly vpcs?: readonly number[];
  /** And which hubs packets to this address may go by. */
  readonly to?: { readonly vpc: number; readonly address: string };
}
export interface LearnedAnswer {
  readonly entries: readonly LearnedRow[];
  /** Routed packets that this host's ports sent to other hosts, by VPC. */
  readonly ways: readonly WayRow[];
  /** Of the whole host: questions and answers, by what came of them. */
  readonly messages: Readonly<Record<string, number>>;
  readonly barred: readonly BarredRow[];
  /** Missing: not told by an older agent. */
  readonly use?: readonly UseRow[];
  /** Of the address that was asked about; packets go by the first. Missing: not asked, or not told by an older agent. */
  readonly hubs?: readonly HubRow[];
}
export interface HubRow {
  readonly host: number;
  /** It does not answer. */
  readonly silent: boolean;
  /** Milliseconds since it fell silent; also while it answers again and is not used yet. */
  readonly silent_ms?: number;
}
/** What a host has learned of a VPC, and what became of the rest since its programs were put in place. */
export interface UseRow {
  /** VNI of the VPC. */
  readonly vpc: number;
  /** Addresses in the table. */
  readonly entries: number;
  /** Removed since nobody used them; earlier, since the VPC's room was nearly full; not taken, since it was full. */
  readonly aged: number;
  readonly evicted: number;
  readonly refused: number;
}
/** A host whose claims in a VPC are not believed here, since it claimed there what is not its own. */
export interface BarredRow {
  /** VNI of the VPC, number of the host. */
  readonly vpc: number;
  readonly host: number;
  /** Seconds since the epoch. */
  readonly since: number;
}
/** The bars on a host, by its number. trust: they are lifted, and answered as they were. Answered by BarredRow[]. */
export interface BarsQuestion {
  readonly what: "bars" | "trust";
  readonly host: number;
}
export interface LearnedRow extends Lesson {
  /** Milliseconds since its first answer, since the last one, and since a packet used it. */
  readonly since_ms: number;
  readonly taught_ms: number;
  readonly used_ms: number;
  /** Sent by this entry. */
  readonly packets: number;
  readonly confirmed: boolean;
  /** The teacher does not answer: packets go by the hub. */
  readonly silent: boolean;
  /** Milliseconds since it fell silent; also while it answers again and is not used yet. */
  readonly silent_ms?: number;
}
export interface WayRow {
  readonly vpc: number;
  readonly direct: number;
  readonly by_hub: number;
}

/** A watch to begin on a host. Its first sign is an Answer with the same id: the programs are in place. */
export interface WatchStart {
  readonly type: "watch";
  readonly id: number;
  readonly want: WatchWant;
  readonly limits: WatchLimits;
}
/** capture: what goes to and from a port's guest. decisions: what was decided about packets like this one. */
export type WatchWant = CaptureWant | DecisionsWant;
export interface CaptureWant {
  readonly kind: "capture";
  readonly port_id: string;
  /** In the language of look/filter.ts; missing: all of it. */
  readonly filter?: string;
}
export interface DecisionsWant {
  readonly kind: "decisions";
  /** VNI of the VPC. */
  readonly vpc: number;
  readonly src: string;
  readonly dst: string;
  readonly ethertype: number;
  /** Of IPv4; 0: none. */
  readonly id: number;
}
/** The first one reached ends the watch. */
export interface WatchLimits {
  readonly seconds: number;
  readonly packets: number;
  /** Bytes of all packets together. */
  readonly bytes: number;
  /** Bytes to keep of each packet. */
  readonly snap: number;
}
/** Ends it; ids are those of the starts. */
export interface WatchStop {
  readonly type: "unwatch";
  readonly id: number;
}
export interface WatchPart {
  readonly type: "watched";
  readonly id: number;
  readonly packets: readonly SeenPacket[];
  /** Packets that found no room, so far. */
  readonly lost: number;
  /** The last part: why it ended. */
  readonly end?: "packets" | "bytes" | "seconds" | "stopped" | "failed";
}
export interface SeenPacket {
  /** Microseconds since the epoch. */
  readonly time: number;
  readonly program: RunAnswer["program"];
  readonly action: RunAction;
  readonly reason?: DropReason;
  readonly class: string;
  readonly stage: string;
  readonly from_port?: string;
  readonly to_port?: string;
  readonly to_host?: number;
  /** Bytes of the whole packet. */
  readonly length: number;
  readonly frame: string;
}
