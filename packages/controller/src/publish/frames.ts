import type { SliceId, SliceMessage, SliceSame } from "@onehop/core";
import type { Compiled } from "../compile/index.ts";

/** Slices as text frames: made once for each content and epoch, whoever many hosts get them. */
export class Frames {
  readonly #made = new Map<SliceId, { readonly slice: Compiled; readonly epoch: number; readonly frame: string }>();

  of(slice: Compiled, epoch: number): string {
    const made = this.#made.get(slice.id);
    if (made?.slice === slice && made.epoch === epoch) return made.frame;
    const head = { type: "slice", ...headOf(slice, epoch) } satisfies Omit<SliceMessage, "body">;
    const frame = `${JSON.stringify(head).slice(0, -1)},"body":${slice.text}}`;
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

const headOf = ({ id, generation, hash }: Compiled, epoch: number) => ({ id, epoch, generation, hash });
