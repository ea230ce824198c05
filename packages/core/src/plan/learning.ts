/** How a VPC learns where far addresses are. Part of its slice, which only hosts get that serve it or are its hubs. */
export interface VpcLearning {
  /**
   * When a learned entry carries packets: at once, or when the controllers confirmed it. pushed: nothing is learned yet,
   * but all that answers need is to be in place.
   */
  readonly mode: "pushed" | "direct" | "confirmed";
  /** Numbers of the hosts that hold, or load, the VPC's whole table. Sorted. */
  readonly hubs: readonly number[];
  /** Those whose table is whole: hubs that others may use. Sorted. */
  readonly in_sync: readonly number[];
  /** Of the store: the first part of every claim's generation. */
  readonly epoch: number;
  readonly key: VpcKey;
  /** Learned entries that a host may hold of this VPC. */
  readonly max_learned: number;
  /** Questions a second that a host may ask on misses, of the VPC and of each port. */
  readonly asks: Budget;
  readonly port_asks: Budget;
}

export interface Budget {
  readonly rate: number;
  readonly burst: number;
}

/** What questions and answers about a VPC are tagged with: SipHash keys, 32 hexadecimal digits. */
export interface VpcKey {
  /** Of the current one, from 1. */
  readonly version: number;
  readonly current: string;
  /** Version − 1, accepted as well. Missing: there was none. */
  readonly former?: string;
}

/** Which binding of an address is meant: compared by epoch, then revision, then sequence. */
export interface Claim {
  readonly epoch: number;
  /** Of the store, when the port was bound. */
  readonly revision: number;
  readonly sequence: number;
}

/** A learned entry: a host said that an address of a VPC is its own. */
export interface Lesson {
  /** VNI of the VPC. */
  readonly vpc: number;
  readonly address: string;
  /** Number of the teacher. */
  readonly host: number;
  readonly port: string;
  readonly claim: Claim;
}

/** From an agent: are these true? */
export interface Lessons {
  readonly type: "lessons";
  readonly id: number;
  readonly lessons: readonly Lesson[];
}

/**
 * confirmed: so it is. false: nobody may say so, the teacher lies. stale: it was so once; claims below `floor` are not to
 * be believed. later: it cannot be judged yet.
 */
export type Verdict =
  | { readonly verdict: "confirmed" | "false" | "later" }
  | { readonly verdict: "stale"; readonly floor: Claim };

/** To an agent: a verdict for each of its lessons, in their order. */
export interface Verdicts {
  readonly type: "verdicts";
  readonly id: number;
  readonly verdicts: readonly Verdict[];
}

/** Negative where a is older than b, 0 where they are the same. */
export const compareClaims = (a: Claim, b: Claim): number =>
  a.epoch - b.epoch || a.revision - b.revision || a.sequence - b.sequence;
