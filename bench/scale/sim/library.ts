import type { Held, Slice, SliceDifference, SliceId, SliceMessage } from "@onehop/core";
import { patched } from "@onehop/core/plan/content";
import { readFrame } from "@onehop/core/plan/wire";

/** A slice's body, and what a simulated host must know of it. */
export interface Content {
  readonly body: Slice;
  /** Of a host's own slice. */
  readonly lists: readonly SliceId[] | undefined;
  /** Addresses that it makes entries for, gateways included. */
  readonly addresses: number;
}

/** Bodies by hash: what many hosts of one process hold is read once. */
export class Library {
  readonly #contents = new Map<string, Content>();
  /** What was read last: hosts of one network are next to one another, and are told the same. */
  #last: { readonly frame: Buffer; readonly message: SliceMessage | SliceDifference } | undefined;

  read(frame: Buffer): SliceMessage | SliceDifference {
    if (this.#last?.frame.equals(frame)) return this.#last.message;
    const message = readFrame(frame);
    if (!message) throw new Error("A frame is no slice.");
    this.#last = { frame, message };
    return message;
  }

  /** Undefined: the host has not what it differs from. */
  content(
    message: SliceMessage | SliceDifference,
    had: (Held & { readonly content: Content }) | undefined,
  ): Content | undefined {
    if (message.type === "difference" && had?.hash !== message.base) return undefined;
    const known = this.#contents.get(message.hash);
    if (known) return known;
    const body = message.type === "slice" ? message.body : patched(had!.content.body, message.difference);
    if (!body) throw new Error(`${message.id} cannot be changed so.`);
    const content = contentOf(body);
    // The newest are those that the next hosts are sent.
    if (this.#contents.size > MOST) this.#contents.delete(this.#contents.keys().next().value!);
    this.#contents.set(message.hash, content);
    return content;
  }
}

const MOST = 10_000;

function contentOf(body: Slice): Content {
  const lists = body.type === "host" ? body.slices : undefined;
  const addresses = body.type === "network" ? body.ports.reduce((sum, { addresses }) => sum + addresses.length, 1) : 0;
  return { body, lists, addresses };
}
