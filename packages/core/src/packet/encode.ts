import { ipv4 as parseAddress } from "../address/ipv4.ts";
import { mac as parseMac } from "../address/mac.ts";
import { checksum, concat, fromHex, put16, put32, sum16 } from "./bytes.ts";
import { type Kind, type Layer, payload, type Spec } from "./layers.ts";

const ETHER_TYPE: Partial<Record<Kind, number>> = { arp: 0x0806, ipv4: 0x0800 };
const PROTOCOL: Partial<Record<Kind, number>> = { icmp: 1, tcp: 6, udp: 17 };
const ZERO_MAC = "00:00:00:00:00:00";
export const TCP_FLAGS = "FSRPAUEC";

type Of<K extends Kind> = Spec<Extract<Layer, { kind: K }>>;
interface Around {
  readonly before: Spec | undefined;
  readonly after: Spec | undefined;
  /** All that follows, the trailer aside: what lengths and checksums cover. */
  readonly body: Uint8Array;
}

/**
 * A frame made of layers, outermost first: `frame(eth({src, dst}), ipv4({src, dst}), udp({sport, dport}), "hello")`.
 * Bytes, text and numbers (so many bytes) stand for a payload.
 */
export function frame(...parts: readonly (Spec | Uint8Array | string | number)[]): Uint8Array {
  const layers = parts.map((p) => (p instanceof Uint8Array || typeof p !== "object" ? payload(p) : p));
  let body: Uint8Array = new Uint8Array(0);
  let tail: Uint8Array = new Uint8Array(0);
  for (let i = layers.length - 1; i >= 0; i--) {
    const layer = layers[i]!;
    if (layer.kind === "trailer") tail = concat([layer.data ?? new Uint8Array(0), tail]);
    else body = concat([header(layer, { before: layers[i - 1], after: layers[i + 1], body }), body]);
    // A frame inside a tunnel is payload of the outer one, padding included.
    if (layer.kind === "eth" && i > 0) [body, tail] = [concat([body, tail]), new Uint8Array(0)];
  }
  return concat([body, tail]);
}

function header(layer: Exclude<Spec, { kind: "trailer" }>, around: Around): Uint8Array {
  switch (layer.kind) {
    case "eth":
      return ethHeader(layer, around);
    case "arp":
      return arpHeader(layer);
    case "ipv4":
      return ipv4Header(layer, around);
    case "udp":
      return udpHeader(layer, around);
    case "tcp":
      return tcpHeader(layer, around);
    case "icmp":
      return icmpHeader(layer, around);
    case "vxlan":
      return vxlanHeader(layer);
    case "payload":
      return layer.data ?? new Uint8Array(0);
  }
}

function ethHeader(e: Of<"eth">, { after }: Around): Uint8Array {
  const type = e.type ?? (after && ETHER_TYPE[after.kind]) ?? 0x88b5;
  const tag = e.vlan === undefined ? [] : [0x81, 0x00, e.vlan >>> 8, e.vlan & 255];
  return Uint8Array.of(
    ...parseMac(e.dst ?? ZERO_MAC),
    ...parseMac(e.src ?? ZERO_MAC),
    ...tag,
    (type >>> 8) & 255,
    type & 255,
  );
}

function arpHeader(a: Of<"arp">): Uint8Array {
  const b = new Uint8Array(28);
  b.set(fromHex(a.format ?? "0001080006 04"), 0);
  put16(b, 6, a.op ?? 1);
  b.set(parseMac(a.sender_mac ?? ZERO_MAC), 8);
  put32(b, 14, parseAddress(a.sender_ip ?? "0.0.0.0"));
  b.set(parseMac(a.target_mac ?? ZERO_MAC), 18);
  put32(b, 24, parseAddress(a.target_ip ?? "0.0.0.0"));
  return b;
}

function ipv4Header(p: Of<"ipv4">, { after, body }: Around): Uint8Array {
  const options = padded(p.options ?? new Uint8Array(0));
  const b = new Uint8Array(20 + options.length);
  b[0] = ((p.version ?? 4) << 4) | (p.ihl ?? 5 + options.length / 4);
  b[1] = p.tos ?? 0;
  put16(b, 2, p.length ?? b.length + body.length);
  put16(b, 4, p.id ?? 0);
  put16(b, 6, (p.reserved ? 0x8000 : 0) | (p.df ? 0x4000 : 0) | (p.mf ? 0x2000 : 0) | ((p.offset ?? 0) >>> 3));
  b[8] = p.ttl ?? 64;
  b[9] = p.protocol ?? (after && PROTOCOL[after.kind]) ?? 253;
  put32(b, 12, parseAddress(p.src ?? "0.0.0.0"));
  put32(b, 16, parseAddress(p.dst ?? "0.0.0.0"));
  b.set(options, 20);
  put16(b, 10, p.checksum ?? checksum(b));
  return b;
}

function udpHeader(u: Of<"udp">, { before, after, body }: Around): Uint8Array {
  const b = new Uint8Array(8);
  put16(b, 0, u.sport ?? 40000);
  put16(b, 2, u.dport ?? (after?.kind === "vxlan" ? 4789 : 9));
  put16(b, 4, u.length ?? 8 + body.length);
  // Tunnels over IPv4 carry no checksum (RFC 7348 section 5); a computed zero is sent as all ones (RFC 768).
  const computed = after?.kind === "vxlan" ? 0 : transportChecksum(before, b, body) || 0xffff;
  put16(b, 6, u.checksum ?? computed);
  return b;
}

function tcpHeader(t: Of<"tcp">, { before, body }: Around): Uint8Array {
  const options = padded(t.options ?? new Uint8Array(0));
  const b = new Uint8Array(20 + options.length);
  put16(b, 0, t.sport ?? 40000);
  put16(b, 2, t.dport ?? 80);
  put32(b, 4, t.seq ?? 1);
  put32(b, 8, t.ack ?? 0);
  b[12] = ((t.words ?? 5 + options.length / 4) << 4) | (t.reserved ?? 0);
  for (const flag of t.flags ?? "A") b[13]! |= 1 << TCP_FLAGS.indexOf(flag);
  put16(b, 14, t.window ?? 64240);
  put16(b, 18, t.urgent ?? 0);
  b.set(options, 20);
  put16(b, 16, t.checksum ?? transportChecksum(before, b, body));
  return b;
}

function icmpHeader(i: Of<"icmp">, { body }: Around): Uint8Array {
  const b = new Uint8Array(8);
  b[0] = i.type ?? 8;
  b[1] = i.code ?? 0;
  put16(b, 4, i.id ?? 0);
  put16(b, 6, i.seq ?? 0);
  put16(b, 2, i.checksum ?? checksum(body, sum16(b)));
  return b;
}

function vxlanHeader(v: Of<"vxlan">): Uint8Array {
  const b = new Uint8Array(8);
  put32(b, 0, (v.flags ?? 0x08) * 0x1000000 + (v.reserved ?? 0));
  put32(b, 4, (v.vni ?? 0) * 256 + (v.reserved2 ?? 0));
  return b;
}

/** Over the pseudo header (RFC 768, RFC 9293 section 3.1), the header with a zero checksum, and the body. */
function transportChecksum(before: Spec | undefined, head: Uint8Array, body: Uint8Array): number {
  if (before?.kind !== "ipv4") return 0;
  const pseudo = new Uint8Array(12);
  put32(pseudo, 0, parseAddress(before.src ?? "0.0.0.0"));
  put32(pseudo, 4, parseAddress(before.dst ?? "0.0.0.0"));
  put16(pseudo, 8, head.length === 8 ? 17 : 6);
  put16(pseudo, 10, head.length + body.length);
  return checksum(body, sum16(head, sum16(pseudo)));
}

const padded = (options: Uint8Array): Uint8Array =>
  options.length % 4 === 0 ? options : concat([options, new Uint8Array(4 - (options.length % 4))]);
