import type { Held, SliceId, SliceSame } from "@onehop/core";
import { sliceFrame } from "@onehop/core/plan/wire";
import type { Compiled } from "../compile/index.ts";

/** Slices as binary frames: made once for each content and epoch, whoever many hosts get them. */
export class Frames {
  readonly #made = new Map<SliceId, { readonly slice: Compiled; readonly epoch: number; readonly frame: Uint8Array }>();

  of(slice: Compiled, epoch: number): Uint8Array {
    const made = this.#made.get(slice.id);
    if (made?.slice === slice && made.epoch === epoch) return made.frame;
    const frame = sliceFrame(headOf(slice, epoch), slice.bytes);
    this.#made.set(slice.id, { slice, epoch, frame });
    return frame;
  }

  same(slice: Compiled, epoch: number): string {
    return JSON.stringify({ type: "same", ...headOf(slice, epoch) } satisfies SliceSame);
  }

  forget(id: SliceId): void {
    this.#made.delete(id);
  }
}

const headOf = ({ id, generation, hash }: Compiled, epoch: number): Held => ({ id, epoch, generation, hash });
