import type { SliceId } from "@onehop/core";
import { partsOf, type Work } from "../compile/index.ts";

/** What went out to hosts so far. */
export class Traffic {
  /** Slices, by kind; those that were only said to be the same are not among them. */
  readonly slices: Work = {};
  /** Frames about slices, and their bytes. */
  frames = 0;
  bytes = 0;

  count(frame: string | Uint8Array): void {
    this.frames++;
    this.bytes += frame.length;
  }

  countSlice(id: SliceId): void {
    const kind = partsOf(id)[0];
    this.slices[kind] = (this.slices[kind] ?? 0) + 1;
  }
}
