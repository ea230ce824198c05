import { formatIpv4, type Host, ipv4, mac, packet } from "@onehop/core";
import { SOURCE_PORTS } from "./outcome.ts";

const { put16, put32, u16, u32 } = packet;
/** Where the outer UDP header ends, and the VXLAN header, in bytes from the frame's start. */
const UDP_END = 14 + 20 + 8;
const HEADERS = UDP_END + 8;

export interface Way {
  readonly from: Host;
  readonly to: Host;
  readonly vni: number;
  /** Last byte of the VXLAN header: RELAYED and how often the packet was passed on; 0, or missing: it goes straight. */
  readonly relayed?: number;
}
/** The packet goes, or went, by a hub. */
export const RELAYED = 0x80;
/** Times that a packet, or a question, may be passed on. */
export const MOST_HOPS = 3;

/** The frame in VXLAN from host to host (RFC 7348): never fragmented, TOS as inside (RFC 6040 section 4.1). */
export function encapsulate(inner: Uint8Array, way: Way): Uint8Array {
  const [, ip] = packet.decode(inner);
  return packet.frame(
    packet.eth({}),
    packet.ipv4({
      src: way.from.tunnel_address,
      dst: way.to.tunnel_address,
      ttl: 64,
      df: true,
      tos: ip?.kind === "ipv4" ? ip.tos : 0,
    }),
    packet.udp({ sport: SOURCE_PORTS.first, dport: packet.VXLAN_PORT }),
    packet.vxlan({ vni: way.vni, reserved2: way.relayed ?? 0 }),
    inner,
  );
}

/** A frame on its way to the next host: tunnel addresses, hop limit, VNI and relayed byte anew, and the inner MACs. */
export function passedOn(frame: Uint8Array, way: Way & { readonly src: string; readonly dst: string }): Uint8Array {
  const { from, to, vni, relayed = 0, src, dst } = way;
  const copy = frame.slice();
  put32(copy, 26, ipv4(from.tunnel_address));
  put32(copy, 30, ipv4(to.tunnel_address));
  copy[22] = 64;
  put16(copy, 24, 0);
  put16(copy, 24, packet.checksum(copy.subarray(14, 34)));
  put16(copy, 40, 0);
  put32(copy, UDP_END + 4, vni * 256 + relayed);
  copy.set(mac(dst), HEADERS);
  copy.set(mac(src), HEADERS + 6);
  return copy;
}

/** Nothing but the VNI's flag in the first word of the VXLAN header. */
export function withoutReserved(frame: Uint8Array): Uint8Array {
  const copy = frame.slice();
  put32(copy, UDP_END, VNI_VALID * 0x1000000);
  return copy;
}

/**
 * What is inside a frame for this host's tunnel. `not_ours`: it is none. `broken`: not a header that is accepted.
 * `message`: of learning; the model has no VPC's key, so that none is right.
 */
export type Opened =
  | { readonly kind: "not_ours" }
  | { readonly kind: "message" }
  | { readonly kind: "broken" }
  | {
      readonly kind: "inside";
      readonly src: string;
      readonly tos: number;
      readonly vni: number;
      /** Last byte of the VXLAN header. */
      readonly relayed: number;
      readonly inner: Uint8Array;
    };

/** The VNI's flag must be set; all reserved bits are ignored (RFC 7348 section 5). */
const VNI_VALID = 0x08;

/** By what stands where the headers of an IPv4 and UDP packet are, whatever its lengths say; later fragments show no port. */
function portAt(frame: Uint8Array, tunnelAddress: string): number | undefined {
  if (frame.length < UDP_END || u16(frame, 12) !== 0x0800 || frame[14]! >>> 4 !== 4) return undefined;
  if (frame[23] !== 17 || (u16(frame, 20) & 0x1fff) !== 0) return undefined;
  if (formatIpv4(u32(frame, 30)) !== tunnelAddress) return undefined;
  const port = 14 + Math.max(5, frame[14]! & 15) * 4 + 2;
  return port + 2 <= frame.length ? u16(frame, port) : undefined;
}

/** Whole, neither fragmented nor with options, its checksum right (RFC 1812 section 5.2.2), its lengths in agreement. */
function isSound(frame: Uint8Array): boolean {
  const [length, fragment] = [u16(frame, 16), u16(frame, 20)];
  if (frame[14] !== 0x45 || (fragment & 0x2000) !== 0 || 14 + length > frame.length) return false;
  return length >= HEADERS - 14 && u16(frame, 38) === length - 20 && packet.checksum(frame.subarray(14, 34)) === 0;
}

export function open(frame: Uint8Array, tunnelAddress: string): Opened {
  const port = portAt(frame, tunnelAddress);
  if (port === packet.LEARNING_PORT) return { kind: "message" };
  if (port !== packet.VXLAN_PORT) return { kind: "not_ours" };
  if (!isSound(frame) || (frame[UDP_END]! & VNI_VALID) === 0) return { kind: "broken" };
  return {
    kind: "inside",
    src: formatIpv4(u32(frame, 26)),
    tos: frame[15]!,
    vni: u32(frame, UDP_END + 4) >>> 8,
    relayed: frame[UDP_END + 7]!,
    inner: frame.subarray(HEADERS, 14 + u16(frame, 16)),
  };
}
