import { decode, encode } from "@msgpack/msgpack";
import type { Held } from "./protocol.ts";
import type { Slice, SliceEnvelope } from "./slices.ts";

/** A slice's bytes: equal content has equal bytes, whoever encodes it, so that its hash says what a host has. */
export const encodeBody = (slice: Slice): Uint8Array => encode(slice, { sortKeys: true, ignoreUndefined: true });

const LENGTH_BYTES = 2;

/** A slice on its way, as one binary frame: length of the head (u16, network order), head, body as encoded before. */
export function sliceFrame({ id, epoch, generation, hash }: Held, body: Uint8Array): Uint8Array {
  const head = encode([id, epoch, generation, hash]);
  const frame = new Uint8Array(LENGTH_BYTES + head.length + body.length);
  new DataView(frame.buffer).setUint16(0, head.length);
  frame.set(head, LENGTH_BYTES);
  frame.set(body, LENGTH_BYTES + head.length);
  return frame;
}

/** A frame taken apart; `bytes` are those that the hash is of. */
export interface ReadFrame extends SliceEnvelope {
  readonly bytes: Uint8Array;
}

/** Undefined: the bytes are no slice's frame. */
export function readFrame(frame: Uint8Array): ReadFrame | undefined {
  try {
    const length = new DataView(frame.buffer, frame.byteOffset, frame.byteLength).getUint16(0);
    const bytes = frame.subarray(LENGTH_BYTES + length);
    const head = decode(frame.subarray(LENGTH_BYTES, LENGTH_BYTES + length));
    const body = decode(bytes) as Slice | null;
    if (!Array.isArray(head) || typeof body?.type !== "string") return undefined;
    const [id, epoch, generation, hash] = head as [Held["id"], number, number, string];
    return { id, epoch, generation, hash, body, bytes };
  } catch {
    return undefined;
  }
}
