import { decode, encode } from "@msgpack/msgpack";
import type { Difference } from "./content.ts";
import type { Held, SliceDifference, SliceMessage } from "./protocol.ts";
import type { Slice } from "./slices.ts";

const LENGTH_BYTES = 2;

/** A slice on its way, as one binary frame: length of the head (u16, network order), head, body. */
export const sliceFrame = ({ id, epoch, generation, hash }: Held, body: Slice): Uint8Array =>
  frameOf([id, epoch, generation, hash], body);

/** A slice for those that have another content of it, `base` by its hash; such a frame's head has that, too. */
export const differenceFrame = (
  { id, epoch, generation, hash }: Held,
  { base, difference: { head, rows, gone } }: { readonly base: string; readonly difference: Difference },
): Uint8Array => frameOf([id, epoch, generation, hash, base], [head, rows, gone]);

function frameOf(head: unknown, body: unknown): Uint8Array {
  const first = encode(head);
  const rest = encode(body, { ignoreUndefined: true });
  const frame = new Uint8Array(LENGTH_BYTES + first.length + rest.length);
  new DataView(frame.buffer).setUint16(0, first.length);
  frame.set(first, LENGTH_BYTES);
  frame.set(rest, LENGTH_BYTES + first.length);
  return frame;
}

/** Undefined: the bytes are no slice's frame. */
export function readFrame(frame: Uint8Array): SliceMessage | SliceDifference | undefined {
  try {
    const length = new DataView(frame.buffer, frame.byteOffset, frame.byteLength).getUint16(0);
    const head = decode(frame.subarray(LENGTH_BYTES, LENGTH_BYTES + length));
    if (!Array.isArray(head)) return undefined;
    const [id, epoch, generation, hash, base] = head as [Held["id"], number, number, string, string?];
    const held = { id, epoch, generation, hash };
    const body = decode(frame.subarray(LENGTH_BYTES + length));
    if (base !== undefined) {
      const difference = differenceOf(body);
      return difference && { type: "difference", ...held, base, difference };
    }
    return isSlice(body) ? { type: "slice", ...held, body } : undefined;
  } catch {
    return undefined;
  }
}

const isSlice = (body: unknown): body is Slice => typeof (body as Partial<Slice> | null)?.type === "string";

function differenceOf(body: unknown): Difference | undefined {
  const [head, rows, gone] = Array.isArray(body) ? body : [];
  if (typeof head !== "object" || head === null || !Array.isArray(rows) || !Array.isArray(gone)) return undefined;
  return rows.every((row) => typeof row === "object" && row !== null) ? { head, rows, gone } : undefined;
}
