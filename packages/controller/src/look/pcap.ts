import type { SeenPacket } from "@onehop/core";

const MAGIC = 0xa1b2c3d4;
const ETHERNET = 1;

/** The head of a pcap file (microseconds, little-endian) of Ethernet frames. */
export function pcapHead(snap: number): Buffer {
  const head = Buffer.alloc(24);
  head.writeUInt32LE(MAGIC, 0);
  head.writeUInt16LE(2, 4);
  head.writeUInt16LE(4, 6);
  head.writeUInt32LE(snap, 16);
  head.writeUInt32LE(ETHERNET, 20);
  return head;
}

export function pcapRecord({ time, frame, length }: SeenPacket): Buffer {
  const bytes = Buffer.from(frame, "base64");
  const head = Buffer.alloc(16);
  head.writeUInt32LE(Math.floor(time / 1e6), 0);
  head.writeUInt32LE(Math.floor(time % 1e6), 4);
  head.writeUInt32LE(bytes.length, 8);
  head.writeUInt32LE(Math.max(length, bytes.length), 12);
  return Buffer.concat([head, bytes]);
}
