import { decode } from "@msgpack/msgpack";
import type { Held, Slice, SliceId } from "@onehop/core";

/** What a simulated host must know of a slice's body. */
export interface Content {
  /** Of a host's own slice. */
  readonly lists: readonly SliceId[] | undefined;
  /** Addresses that it makes entries for, gateways included. */
  readonly addresses: number;
}

const LENGTH_BYTES = 2;

/** A frame's head, and its body as it is (packages/core/src/plan/wire.ts). */
export function headOf(frame: Buffer): { readonly held: Held; readonly body: Buffer } {
  const length = frame.readUInt16BE(0);
  const [id, epoch, generation, hash] = decode(frame.subarray(LENGTH_BYTES, LENGTH_BYTES + length)) as [
    SliceId,
    number,
    number,
    string,
  ];
  return { held: { id, epoch, generation, hash }, body: frame.subarray(LENGTH_BYTES + length) };
}

/** Bodies by hash: what many hosts of one process hold is read once. */
export class Library {
  readonly #contents = new Map<string, Content>();

  content(hash: string, body: Buffer): Content {
    const known = this.#contents.get(hash);
    if (known) return known;
    const content = contentOf(decode(body) as Slice);
    // The newest are those that the next hosts are sent.
    if (this.#contents.size > MOST) this.#contents.delete(this.#contents.keys().next().value!);
    this.#contents.set(hash, content);
    return content;
  }
}

const MOST = 20_000;

function contentOf(body: Slice): Content {
  const lists = body.type === "host" ? body.slices : undefined;
  const addresses = body.type === "network" ? body.ports.reduce((sum, { addresses }) => sum + addresses.length, 1) : 0;
  return { lists, addresses };
}
