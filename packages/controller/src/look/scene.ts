import type { RunAnswer, TraceObject } from "@onehop/core";
import type { Names } from "./names.ts";

/** Of tables in the kernel, as the agent reads them (packages/datapath/bpf/maps). */
export type Entry = Readonly<Record<string, unknown>>;

export const unbase64 = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, "base64"));

/** Where a trace is at: one host's run. */
export interface Scene {
  readonly names: Names;
  readonly vpc_id: string;
  readonly run: RunAnswer;
  /** The frame that came in. */
  readonly frame: Uint8Array;
}

/** What a stage did, and the objects behind it. */
export interface Said {
  readonly words: string;
  readonly objects?: readonly (TraceObject | undefined)[];
}
