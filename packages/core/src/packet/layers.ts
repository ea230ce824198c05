/**
 * Headers as plain data. `decode` fills in every field; builders take any of them, and what is left out is computed
 * (lengths, checksums, the type of what follows) or has the default named here.
 */

export interface Eth {
  readonly kind: "eth";
  readonly dst: string;
  readonly src: string;
  readonly type: number;
  /** Tag control information of an 802.1Q tag; undefined: untagged. */
  readonly vlan: number | undefined;
}

/** ARP for IPv4 over Ethernet (RFC 826). */
export interface Arp {
  readonly kind: "arp";
  /** 1 request (default), 2 reply. */
  readonly op: number;
  readonly sender_mac: string;
  readonly sender_ip: string;
  readonly target_mac: string;
  readonly target_ip: string;
  /** Hardware type, protocol type and their lengths; 0001 0800 06 04 unless crafted. */
  readonly format: string;
}

/** RFC 791. */
export interface Ipv4 {
  readonly kind: "ipv4";
  readonly version: number;
  /** Header length in 32-bit words. */
  readonly ihl: number;
  readonly tos: number;
  readonly length: number;
  readonly id: number;
  /** The flag that must be zero (RFC 791). */
  readonly reserved: boolean;
  readonly df: boolean;
  readonly mf: boolean;
  /** In bytes, a multiple of eight. */
  readonly offset: number;
  /** Default 64. */
  readonly ttl: number;
  readonly protocol: number;
  readonly checksum: number;
  readonly src: string;
  readonly dst: string;
  readonly options: Uint8Array;
}

/** RFC 768. */
export interface Udp {
  readonly kind: "udp";
  readonly sport: number;
  readonly dport: number;
  readonly length: number;
  /** 0: none. */
  readonly checksum: number;
}

/** RFC 9293. */
export interface Tcp {
  readonly kind: "tcp";
  readonly sport: number;
  readonly dport: number;
  readonly seq: number;
  readonly ack: number;
  /** Header length in 32-bit words. */
  readonly words: number;
  /** The four bits after it. */
  readonly reserved: number;
  /** Any of FSRPAUEC, in this order. */
  readonly flags: string;
  readonly window: number;
  readonly checksum: number;
  readonly urgent: number;
  /** As on the wire, padding included. The builder also takes `mss`. */
  readonly options: Uint8Array;
}

/** RFC 792. In errors, the quoted packet follows as layers of its own. */
export interface Icmp {
  readonly kind: "icmp";
  readonly type: number;
  readonly code: number;
  readonly checksum: number;
  /** Bytes 4 and 5: the identifier of an echo. */
  readonly id: number;
  /** Bytes 6 and 7: the sequence number of an echo, the next hop's MTU of "fragmentation needed" (RFC 1191). */
  readonly seq: number;
}

/** RFC 7348. */
export interface Vxlan {
  readonly kind: "vxlan";
  /** Default 0x08: the VNI is valid. */
  readonly flags: number;
  readonly vni: number;
  /** The 24 bits after the flags and the 8 after the VNI. */
  readonly reserved: number;
  readonly reserved2: number;
}

/** What no header describes. */
export interface Payload {
  readonly kind: "payload";
  readonly data: Uint8Array;
}
/** Bytes of the frame after the end of its IP packet: padding. */
export interface Trailer {
  readonly kind: "trailer";
  readonly data: Uint8Array;
}

export type Layer = Eth | Arp | Ipv4 | Udp | Tcp | Icmp | Vxlan | Payload | Trailer;
export type Kind = Layer["kind"];

type Loose<T> = { readonly [K in keyof T]?: T[K] | undefined };
/** A layer with any fields left out. */
export type Spec<L extends Layer = Layer> = L extends Layer
  ? { readonly kind: L["kind"] } & Loose<Omit<L, "kind">>
  : never;

export const eth = (f: Loose<Omit<Eth, "kind">>): Spec<Eth> => ({ kind: "eth", ...f });
export const arp = (f: Loose<Omit<Arp, "kind">>): Spec<Arp> => ({ kind: "arp", ...f });
export const ipv4 = (f: Loose<Omit<Ipv4, "kind">>): Spec<Ipv4> => ({ kind: "ipv4", ...f });
export const udp = (f: Loose<Omit<Udp, "kind">> = {}): Spec<Udp> => ({ kind: "udp", ...f });
export const vxlan = (f: Loose<Omit<Vxlan, "kind">>): Spec<Vxlan> => ({ kind: "vxlan", ...f });
export const payload = (data: Uint8Array | string | number): Spec<Payload> => ({
  kind: "payload",
  data: bytesOf(data),
});
export const trailer = (data: Uint8Array | string | number): Spec<Trailer> => ({
  kind: "trailer",
  data: bytesOf(data),
});

/** `mss`: a maximum segment size option (RFC 9293 section 3.7.1) before the others. */
export function tcp(f: Loose<Omit<Tcp, "kind">> & { readonly mss?: number } = {}): Spec<Tcp> {
  const { mss, ...rest } = f;
  if (mss === undefined) return { kind: "tcp", ...rest };
  const options = Uint8Array.of(2, 4, mss >>> 8, mss & 255, ...(rest.options ?? []));
  return { kind: "tcp", ...rest, options };
}

/** `mtu`: the next hop's, of type 3 code 4. */
export function icmp(f: Loose<Omit<Icmp, "kind">> & { readonly mtu?: number }): Spec<Icmp> {
  const { mtu, ...rest } = f;
  return { kind: "icmp", ...rest, ...(mtu === undefined ? {} : { seq: mtu }) };
}

/** Bytes as they are; text as UTF-8; a number: so many bytes, counting up. */
function bytesOf(data: Uint8Array | string | number): Uint8Array {
  if (typeof data === "string") return new TextEncoder().encode(data);
  return typeof data === "number" ? Uint8Array.from({ length: data }, (_, i) => i & 255) : data;
}
