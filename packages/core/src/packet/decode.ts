import { formatIpv4 } from "../address/ipv4.ts";
import { formatMac } from "../address/mac.ts";
import { hex, u16, u32 } from "./bytes.ts";
import { TCP_FLAGS } from "./encode.ts";
import type { Layer } from "./layers.ts";

/** UDP destination port of VXLAN (RFC 7348). */
export const VXLAN_PORT = 4789;

/** The layer at the front, how many bytes it has, and how what follows is read. */
interface Step {
  readonly layer: Layer;
  readonly size: number;
  readonly next: Reader | undefined;
  /** Bytes that belong to this layer, header included; what is beyond is a trailer. */
  readonly length?: number;
}
type Reader = (b: Uint8Array) => Step | undefined;

/**
 * The layers of a frame, outermost first. Never fails: what cannot be read (cut short, unknown) is a payload.
 * `frame(...decode(f))` is `f` again.
 */
export const decode = (f: Uint8Array): Layer[] => walk(f, readEth);
/** As decode, of an IPv4 packet without its Ethernet header. */
export const decodePacket = (p: Uint8Array): Layer[] => walk(p, readIpv4);

function walk(bytes: Uint8Array, first: Reader): Layer[] {
  const layers: Layer[] = [];
  const trailers: Uint8Array[] = [];
  let rest = bytes;
  let reader: Reader | undefined = first;
  while (reader) {
    const step: Step | undefined = reader(rest);
    if (!step) break;
    layers.push(step.layer);
    if (step.length !== undefined && step.length < rest.length) {
      trailers.push(rest.subarray(step.length));
      rest = rest.subarray(0, step.length);
    }
    rest = rest.subarray(step.size);
    reader = step.next;
  }
  if (rest.length > 0) layers.push({ kind: "payload", data: rest });
  for (const data of trailers.reverse()) layers.push({ kind: "trailer", data });
  return layers;
}

function readEth(b: Uint8Array): Step | undefined {
  if (b.length < 14) return undefined;
  const tagged = u16(b, 12) === 0x8100 && b.length >= 18;
  const type = u16(b, tagged ? 16 : 12);
  const next = type === 0x0800 ? readIpv4 : type === 0x0806 ? readArp : undefined;
  const dst = formatMac(b.subarray(0, 6));
  const src = formatMac(b.subarray(6, 12));
  return {
    layer: { kind: "eth", dst, src, type, vlan: tagged ? u16(b, 14) : undefined },
    size: tagged ? 18 : 14,
    next,
  };
}

function readArp(b: Uint8Array): Step | undefined {
  if (b.length < 28) return undefined;
  const layer: Layer = {
    kind: "arp",
    op: u16(b, 6),
    sender_mac: formatMac(b.subarray(8, 14)),
    sender_ip: formatIpv4(u32(b, 14)),
    target_mac: formatMac(b.subarray(18, 24)),
    target_ip: formatIpv4(u32(b, 24)),
    format: hex(b.subarray(0, 6)),
  };
  return { layer, size: 28, next: undefined, length: 28 };
}

function readIpv4(b: Uint8Array): Step | undefined {
  const ihl = b[0]! & 15;
  const size = ihl * 4;
  if (b.length < 20 || size < 20 || b.length < size) return undefined;
  const [flags, length] = [u16(b, 6), u16(b, 2)];
  const layer: Layer = {
    kind: "ipv4",
    version: b[0]! >>> 4,
    ihl,
    tos: b[1]!,
    length,
    id: u16(b, 4),
    reserved: (flags & 0x8000) !== 0,
    df: (flags & 0x4000) !== 0,
    mf: (flags & 0x2000) !== 0,
    offset: (flags & 0x1fff) * 8,
    ttl: b[8]!,
    protocol: b[9]!,
    checksum: u16(b, 10),
    src: formatIpv4(u32(b, 12)),
    dst: formatIpv4(u32(b, 16)),
    options: b.subarray(20, size),
  };
  const readable = layer.version === 4 && layer.offset === 0;
  const next = readable ? TRANSPORTS[layer.protocol] : undefined;
  return { layer, size, next, ...(length >= size && length < b.length ? { length } : {}) };
}

function readUdp(b: Uint8Array): Step | undefined {
  if (b.length < 8) return undefined;
  const [sport, dport] = [u16(b, 0), u16(b, 2)];
  const layer: Layer = { kind: "udp", sport, dport, length: u16(b, 4), checksum: u16(b, 6) };
  return { layer, size: 8, next: dport === VXLAN_PORT ? readVxlan : undefined };
}

function readTcp(b: Uint8Array): Step | undefined {
  const words = b.length < 20 ? 0 : b[12]! >>> 4;
  if (words < 5 || b.length < words * 4) return undefined;
  const layer: Layer = {
    kind: "tcp",
    sport: u16(b, 0),
    dport: u16(b, 2),
    seq: u32(b, 4),
    ack: u32(b, 8),
    words,
    reserved: b[12]! & 15,
    flags: [...TCP_FLAGS].filter((_, bit) => b[13]! & (1 << bit)).join(""),
    window: u16(b, 14),
    checksum: u16(b, 16),
    urgent: u16(b, 18),
    options: b.subarray(20, words * 4),
  };
  return { layer, size: words * 4, next: undefined };
}

const ICMP_ERRORS = new Set([3, 4, 5, 11, 12]);

function readIcmp(b: Uint8Array): Step | undefined {
  if (b.length < 8) return undefined;
  const [type, code] = [b[0]!, b[1]!];
  const layer: Layer = { kind: "icmp", type, code, checksum: u16(b, 2), id: u16(b, 4), seq: u16(b, 6) };
  return { layer, size: 8, next: ICMP_ERRORS.has(type) ? readIpv4 : undefined };
}

function readVxlan(b: Uint8Array): Step | undefined {
  if (b.length < 8) return undefined;
  const reserved = u32(b, 0) & 0xffffff;
  return {
    layer: { kind: "vxlan", flags: b[0]!, reserved, vni: u32(b, 4) >>> 8, reserved2: b[7]! },
    size: 8,
    next: readEth,
  };
}

const TRANSPORTS: Record<number, Reader> = { 1: readIcmp, 6: readTcp, 17: readUdp };
