import { packet } from "@onehop/core";
import type { Frame } from "./capture.ts";

interface Outer {
  readonly ns: bigint;
  readonly from: string;
  readonly to: string;
}

/** An encapsulated packet of pairs.c. */
export interface Relay extends Outer {
  readonly kind: "packet";
  /** 0: straight; else 0x80 and the times that it was passed on. */
  readonly relayed: number;
  readonly source: string;
  readonly destination: string;
  /** Of the datagram in its pair, from 0; undefined where it is something else. */
  readonly number: number | undefined;
}

export interface Message extends Outer {
  readonly kind: "message";
  readonly message: packet.LearningMessage | undefined;
  readonly payload: Uint8Array;
}

const VXLAN = 4789;
const [OUTER_IP, OUTER_UDP, PAYLOAD] = [14, 34, 42];
const [INNER_IP, NOTE] = [PAYLOAD + 8 + 14, PAYLOAD + 8 + 14 + 20 + 8];
const UDP = 17;
/** "pair", as a little-endian machine writes the number. */
const MAGIC = 0x70616972;

const address = (b: Buffer, at: number): string => b.subarray(at, at + 4).join(".");

/** A frame of an underlay without options or VLANs, read at fixed places: there are hundreds of thousands. */
export function read({ ns, bytes: b }: Frame): Relay | Message {
  const outer = { ns, from: address(b, OUTER_IP + 12), to: address(b, OUTER_IP + 16) };
  if (b.readUInt16BE(OUTER_UDP + 2) !== VXLAN) {
    const payload = Uint8Array.from(b.subarray(PAYLOAD));
    return { ...outer, kind: "message", payload, message: packet.decodeMessage(payload) };
  }
  const isNote = b.length >= NOTE + 16 && b[INNER_IP + 9] === UDP && b.readUInt32LE(NOTE) === MAGIC;
  return {
    ...outer,
    kind: "packet",
    relayed: b[PAYLOAD + 7]!,
    source: address(b, INNER_IP + 12),
    destination: address(b, INNER_IP + 16),
    number: isNote ? b.readUInt32LE(NOTE + 8) : undefined,
  };
}
