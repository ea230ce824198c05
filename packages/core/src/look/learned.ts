import type { LearnedRow, UseRow, WayRow } from "../plan/questions.ts";
import type { TraceObject } from "./trace.ts";
import type { Silent } from "./traffic.ts";

/** An address that a host learned from use. */
export interface LearnedItem extends Omit<LearnedRow, "vpc" | "host" | "port"> {
  /** Where it was learned. */
  readonly at: TraceObject;
  readonly vpc?: TraceObject;
  /** Who said so, and of which port. */
  readonly teacher: TraceObject;
  readonly port: TraceObject;
}

export interface LearnedList {
  readonly items: readonly LearnedItem[];
  readonly ways: readonly Ways[];
  /** What hosts hold of each VPC, summed. */
  readonly use: readonly (Omit<UseRow, "vpc"> & { readonly vpc: TraceObject })[];
  readonly barred: readonly Bar[];
  readonly silent: readonly Silent[];
}

/** Routed packets of a VPC's ports to other hosts. */
export interface Ways extends Omit<WayRow, "vpc"> {
  readonly vpc: TraceObject;
  /** Of those that went straight, 0 to 1; missing: there were none. */
  readonly ratio?: number;
}

/** A host's claims in a VPC are not believed at another host, since it claimed there what is not its own. */
export interface Bar {
  /** Where they are not believed. */
  readonly at: TraceObject;
  readonly vpc?: TraceObject;
  readonly host: TraceObject;
  /** RFC 3339. */
  readonly since: string;
}
export interface BarList {
  readonly items: readonly Bar[];
  readonly silent: readonly Silent[];
}

/** Which way packets of a port to an address go now. */
export interface WayAnswer {
  /**
   * local: the same host. pushed: straight, as the controllers said. direct: straight, as learned. hub: by a hub. none:
   * nowhere, since nobody has the address, or no hub answers.
   */
  readonly way: "local" | "pushed" | "direct" | "hub" | "none";
  readonly host?: TraceObject;
  readonly port?: TraceObject;
  /** Whom packets go by. */
  readonly hub?: TraceObject;
  /** Milliseconds; of direct, and of what else began at a time that is known. */
  readonly since_ms?: number;
  readonly confirmed?: boolean;
  /** Why it is so: a sentence. */
  readonly why: string;
}
