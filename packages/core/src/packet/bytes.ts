/** Bytes in network order, and the Internet checksum. */

export const u16 = (b: Uint8Array, at: number): number => (b[at]! << 8) | b[at + 1]!;
export const u32 = (b: Uint8Array, at: number): number => u16(b, at) * 0x10000 + u16(b, at + 2);

export function put16(b: Uint8Array, at: number, value: number): void {
  b[at] = value >>> 8;
  b[at + 1] = value;
}
export function put32(b: Uint8Array, at: number, value: number): void {
  put16(b, at, (value / 0x10000) & 0xffff);
  put16(b, at + 2, value & 0xffff);
}

export function concat(parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((n, p) => n + p.length, 0));
  let at = 0;
  for (const p of parts) {
    out.set(p, at);
    at += p.length;
  }
  return out;
}

export const sameBytes = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && a.every((byte, i) => byte === b[i]);

export const hex = (b: Uint8Array): string => Array.from(b, (byte) => byte.toString(16).padStart(2, "0")).join("");

/** Bytes of hex text; blanks are ignored. */
export function fromHex(text: string): Uint8Array {
  const digits = text.replace(/\s+/g, "");
  return Uint8Array.from({ length: digits.length >> 1 }, (_, i) => Number.parseInt(digits.slice(2 * i, 2 * i + 2), 16));
}

/** One's-complement sum of 16-bit words, an odd last byte padded with zero (RFC 1071), added to `start`. */
export function sum16(b: Uint8Array, start = 0): number {
  let sum = start;
  for (let i = 0; i + 1 < b.length; i += 2) sum += u16(b, i);
  if (b.length & 1) sum += b[b.length - 1]! << 8;
  while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 0x10000);
  return sum;
}

export const checksum = (b: Uint8Array, start = 0): number => ~sum16(b, start) & 0xffff;

/** The checksum after a 16-bit word it covers changed (RFC 1624, equation 3): a wrong one stays as wrong as it was. */
export function updatedChecksum(old: number, from: number, to: number): number {
  let sum = (~old & 0xffff) + (~from & 0xffff) + to;
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}
