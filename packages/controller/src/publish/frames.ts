import type { Held, Slice, SliceId, SliceSame } from "@onehop/core";
import { differenceFrame, sliceFrame } from "@onehop/core/plan/wire";
import { type Compiled, hashes } from "../compile/index.ts";

/** Contents of a slice that hosts may still have, beyond its newest. */
const MOST_FORMER = 4;

/** The newest content of a slice under an epoch, as frames for hosts that have this or that of it. */
interface Made {
  readonly slice: Compiled;
  readonly epoch: number;
  /** By hash, the oldest first. */
  readonly former: ReadonlyMap<string, Slice>;
  whole: Uint8Array | undefined;
  /** By hash of the former content. */
  readonly differing: Map<string, Uint8Array | undefined>;
}

/** Slices as binary frames: made once for each content, epoch and former content, however many hosts get them. */
export class Frames {
  readonly #made = new Map<SliceId, Made>();

  /** For a host that has this content of it: what differs, where that is known and less than all. */
  of(slice: Compiled, epoch: number, had: string | undefined): Uint8Array {
    const made = this.#current(slice, epoch);
    return (had !== undefined && differing(made, had)) || whole(made);
  }

  same(slice: Compiled, epoch: number): string {
    return JSON.stringify({ type: "same", ...headOf(this.#current(slice, epoch)) } satisfies SliceSame);
  }

  forget(id: SliceId): void {
    this.#made.delete(id);
  }

  #current(slice: Compiled, epoch: number): Made {
    const before = this.#made.get(slice.id);
    if (before?.slice === slice && before.epoch === epoch) return before;
    const made: Made = { slice, epoch, former: formerOf(slice, before), whole: undefined, differing: new Map() };
    this.#made.set(slice.id, made);
    return made;
  }
}

function formerOf(slice: Compiled, before: Made | undefined): Map<string, Slice> {
  if (!before) return new Map();
  const former = new Map([...before.former, [before.slice.hash, before.slice.body]]);
  // It may have come back to what it was.
  former.delete(slice.hash);
  for (const hash of former.keys()) if (former.size > MOST_FORMER) former.delete(hash);
  return former;
}

function whole(made: Made): Uint8Array {
  made.whole ??= sliceFrame(headOf(made), made.slice.body);
  return made.whole;
}

/** Undefined: all of it is sent. */
function differing(made: Made, base: string): Uint8Array | undefined {
  const { slice, former, differing } = made;
  const before = former.get(base);
  if (before && !differing.has(base)) {
    const difference = hashes.difference(before, slice.body);
    differing.set(base, difference && differenceFrame(headOf(made), { base, difference }));
  }
  return differing.get(base);
}

const headOf = ({ slice: { id, generation, hash }, epoch }: Made): Held => ({ id, epoch, generation, hash });
