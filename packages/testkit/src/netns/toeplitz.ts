import { ipv4 } from "@onehop/core";

/** The key that network cards are delivered with, of Microsoft's "Verifying the RSS hash calculation". */
const KEY = Uint8Array.from(
  Buffer.from(
    "6d5a56da255b0ec24167253d43a38fb0d0ca2bcbae7b30b477cb2da38030f20c6a42b73bbeac01fa".replaceAll(/\s/g, ""),
    "hex",
  ),
);

export interface Tuple {
  readonly src: string;
  readonly dst: string;
  readonly sport: number;
  readonly dport: number;
}

/** What a network card makes of a packet's addresses and ports to choose a queue (receive side scaling). */
export function toeplitz({ src, dst, sport, dport }: Tuple): number {
  const input = new DataView(new ArrayBuffer(12));
  input.setUint32(0, ipv4(src));
  input.setUint32(4, ipv4(dst));
  input.setUint16(8, sport);
  input.setUint16(10, dport);
  let hash = 0;
  for (let bit = 0; bit < 96; bit++)
    if (input.getUint8(bit >> 3) & (0x80 >> (bit & 7))) hash = (hash ^ keyFrom(bit)) >>> 0;
  return hash;
}

/** 32 bits of the key from this bit on. */
function keyFrom(bit: number): number {
  let window = 0;
  for (let i = 0; i < 32; i++) {
    const at = bit + i;
    window = (window << 1) | ((KEY[at >> 3]! >> (7 - (at & 7))) & 1);
  }
  return window >>> 0;
}

/** Entries of a card's indirection table, which is filled with the queues in turn. */
const TABLE = 128;

/** Packets that each queue gets. */
export function queueLoads(tuples: readonly Tuple[], queues: number): number[] {
  const loads = new Array<number>(queues).fill(0);
  for (const tuple of tuples) loads[(toeplitz(tuple) % TABLE) % queues]!++;
  return loads;
}
