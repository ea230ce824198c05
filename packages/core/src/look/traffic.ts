import type { DropReason } from "../status/drop_reason.ts";
import type { TraceObject } from "./trace.ts";

/** A host that was asked and did not answer. */
export interface Silent {
  readonly host: TraceObject;
  readonly why: string;
}

export interface Drop {
  readonly host: TraceObject;
  /** Missing: no port of the host stands for it. */
  readonly port?: TraceObject;
  readonly vpc?: TraceObject;
  readonly project?: TraceObject;
  readonly reason: DropReason;
  readonly title: string;
  /** What to change. */
  readonly hint: string;
  readonly packets: number;
  readonly bytes: number;
  /** RFC 3339; `since_before`: or earlier, the agent has not run for longer. */
  readonly since: string;
  readonly since_before?: true;
  readonly last: string;
  readonly example?: string;
}
export interface DropList {
  /** The latest first. */
  readonly items: readonly Drop[];
  readonly silent: readonly Silent[];
}

/** Packets and bits a second. */
export interface TopItem {
  readonly host: TraceObject;
  readonly port?: TraceObject;
  readonly vpc?: TraceObject;
  readonly src?: string;
  readonly dst?: string;
  readonly src_port?: TraceObject;
  readonly dst_port?: TraceObject;
  readonly tx_pps: number;
  readonly tx_bps: number;
  readonly rx_pps?: number;
  readonly rx_bps?: number;
}
export interface TopList {
  /** Most bits first. */
  readonly items: readonly TopItem[];
  readonly seconds: number;
  readonly silent: readonly Silent[];
}
