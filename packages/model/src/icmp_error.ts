import { GATEWAY_MAC, packet } from "@onehop/core";
import { isGroupAddress, type Readable } from "./read.ts";
import type { Place } from "./world.ts";

/** The errors the gateway makes (RFC 792, RFC 1191). */
export type Complaint = "net_unreachable" | "host_unreachable" | "too_big" | "ttl_exceeded";
const TYPES: Record<Complaint, { readonly type: number; readonly code: number }> = {
  net_unreachable: { type: 3, code: 0 },
  host_unreachable: { type: 3, code: 1 },
  too_big: { type: 3, code: 4 },
  ttl_exceeded: { type: 11, code: 0 },
};

/** Errors keep within the size that every host accepts (RFC 1812 section 4.3.2.3). */
export const ERROR_LENGTH = 576;
const ERRORS = new Set([3, 4, 5, 11, 12]);

/** No error about errors, later fragments, or anything to many (RFC 1122 section 3.2.2). */
const deserves = (p: Readable & { ip: packet.Ipv4 }): boolean =>
  p.ip.offset === 0 &&
  !isGroupAddress(p.ip.dst) &&
  !isGroupAddress(p.ip.src) &&
  p.ip.src !== "0.0.0.0" &&
  !(p.transport?.kind === "icmp" && ERRORS.has(p.transport.type));

/** What an error is about: a frame that a port sent, as it came and as it was read. */
export interface About {
  readonly from: Place;
  readonly frame: Uint8Array;
  readonly p: Readable;
  /** Largest IPv4 packet that fits the underlay when encapsulated, in bytes. */
  readonly mtu: number;
}

/**
 * The error, from the gateway of the sender's network, or undefined where none may be sent. It quotes the packet as it
 * came, as much as fits.
 */
export function icmpError({ from, frame, p, mtu }: About, what: Complaint): Uint8Array | undefined {
  if (!p.ip || !deserves({ ...p, ip: p.ip })) return undefined;
  const quote = frame.subarray(14, 14 + Math.min(p.ip.length, ERROR_LENGTH - 28));
  return packet.frame(
    packet.eth({ src: GATEWAY_MAC, dst: p.eth.src, type: 0x0800 }),
    // Without an identification it must not be fragmented (RFC 6864).
    packet.ipv4({ src: from.network.gateway, dst: p.ip.src, ttl: 64, df: true }),
    packet.icmp({ ...TYPES[what], mtu: what === "too_big" ? mtu : 0 }),
    quote,
  );
}

/** Bytes of what a hub's "unknown" is told in: as many as its message had. */
const TOLD_LENGTH = 156;

/**
 * What a guest is told when a hub says that nobody has the address it sent to: the error that it would have got at once,
 * with as much of the packet as was kept, an IPv4 header without options and eight bytes more (RFC 792).
 */
export function toldUnknown(about: Omit<About, "mtu">): Uint8Array | undefined {
  const { ip, eth, transport } = about.p;
  // Of ICMP only what asks or answers: what else there may be could be about an error.
  if (transport?.kind === "icmp" && transport.type !== 8 && transport.type !== 0) return undefined;
  const error = icmpError({ ...about, mtu: 0 }, "host_unreachable");
  if (!ip || !error) return undefined;
  const start = 14 + ip.ihl * 4;
  const quote = packet.concat([about.frame.subarray(14, 34), about.frame.subarray(start, start + 8)]);
  return packet.frame(
    packet.eth({ src: GATEWAY_MAC, dst: eth.src, type: 0x0800 }),
    packet.ipv4({ src: about.from.network.gateway, dst: ip.src, ttl: 64, df: true }),
    packet.icmp({ ...TYPES.host_unreachable, mtu: 0 }),
    packet.concat([quote, new Uint8Array(TOLD_LENGTH - 28 - quote.length)]),
  );
}
