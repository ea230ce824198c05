import { mac, packet } from "@onehop/core";

/** Changes to a frame. Each returns a copy; every other byte stays as the guest made it, padding included. */

const { put16, u16, updatedChecksum } = packet;
const IP = 14;

export function withMacs(frame: Uint8Array, src: string, dst: string): Uint8Array {
  const copy = frame.slice();
  copy.set(mac(dst), 0);
  copy.set(mac(src), 6);
  return copy;
}

/** Sets a 16-bit word of the IPv4 header and mends its checksum. */
function setIpWord(frame: Uint8Array, at: number, value: number): void {
  put16(frame, IP + 10, updatedChecksum(u16(frame, IP + 10), u16(frame, IP + at), value));
  put16(frame, IP + at, value);
}

export function withTtl(frame: Uint8Array, ttl: number): Uint8Array {
  const copy = frame.slice();
  setIpWord(copy, 8, (ttl << 8) | copy[IP + 9]!);
  return copy;
}

/** One router further (RFC 1812 section 5.3.1). */
export const routed = (frame: Uint8Array, src: string, dst: string): Uint8Array =>
  withMacs(withTtl(frame, frame[IP + 8]! - 1), src, dst);

/** The mark "congestion experienced" of the tunnel goes on to the packet inside (RFC 6040 section 4.2). */
export function withCongestion(frame: Uint8Array, outerTos: number): Uint8Array {
  const inner = frame[IP + 1]!;
  if ((outerTos & 3) !== 3 || (inner & 3) === 0) return frame;
  const copy = frame.slice();
  setIpWord(copy, 0, (copy[IP]! << 8) | inner | 3);
  return copy;
}

/** An echo request turned into its reply in place: addresses swapped, TTL fresh, all else kept (RFC 1122 3.2.2.6). */
export function echoReply(frame: Uint8Array, gatewayMac: string): Uint8Array {
  const [eth, ip] = packet.decode(frame) as [packet.Eth, packet.Ipv4];
  const copy = withMacs(withTtl(frame, 64), gatewayMac, eth.src);
  const [src, dst] = [copy.slice(IP + 12, IP + 16), copy.slice(IP + 16, IP + 20)];
  copy.set(dst, IP + 12);
  copy.set(src, IP + 16);
  const icmp = IP + ip.ihl * 4;
  put16(copy, icmp + 2, updatedChecksum(u16(copy, icmp + 2), u16(copy, icmp), copy[icmp + 1]!));
  copy[icmp] = 0;
  return copy;
}

/** Lowers the maximum segment size option of a SYN to `mss` where it is larger (RFC 4459 section 3.2). */
export function withMssAtMost(frame: Uint8Array, mss: number): Uint8Array {
  const [, ip, tcp] = packet.decode(frame);
  if (ip?.kind !== "ipv4" || tcp?.kind !== "tcp" || !tcp.flags.includes("S")) return frame;
  const start = IP + ip.ihl * 4;
  const at = mssOption(tcp.options);
  if (at === undefined || u16(tcp.options, at + 2) <= mss) return frame;
  const copy = frame.slice();
  const value = start + 20 + at + 2;
  const old = u16(copy, value);
  // A word at an odd place is spread over two words of the sum; swapping both sides is the same (RFC 1071 section 2).
  const turned = (word: number) => (at % 2 === 0 ? word : ((word & 255) << 8) | (word >>> 8));
  put16(copy, start + 16, updatedChecksum(u16(copy, start + 16), turned(old), turned(mss)));
  put16(copy, value, mss);
  return copy;
}

/** Where the option begins, or undefined; the walk ends at the first option that makes no sense. */
function mssOption(options: Uint8Array): number | undefined {
  let at = 0;
  while (at < options.length) {
    const [kind, length] = [options[at]!, options[at + 1]];
    if (kind === 0) return undefined;
    if (kind === 1) {
      at++;
      continue;
    }
    if (length === undefined || length < 2 || at + length > options.length) return undefined;
    if (kind === 2) return length === 4 ? at : undefined;
    at += length;
  }
  return undefined;
}
