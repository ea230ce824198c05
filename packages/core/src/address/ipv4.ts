/** IPv4 addresses and ranges as unsigned 32-bit numbers; text is canonical dotted quad (no leading zeros). */

const QUAD = /^(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})$/;

/** Host-order number of a dotted quad, or undefined where the text is not a canonical one. */
export function parseIpv4(text: string): number | undefined {
  const m = QUAD.exec(text);
  if (!m) return undefined;
  let n = 0;
  for (let i = 1; i <= 4; i++) {
    const octet = Number(m[i]);
    if (octet > 255) return undefined;
    n = n * 256 + octet;
  }
  return n;
}

export function formatIpv4(n: number): string {
  return `${(n >>> 24) & 255}.${(n >>> 16) & 255}.${(n >>> 8) & 255}.${n & 255}`;
}

/** As parseIpv4, for text that was validated before; throws RangeError otherwise. */
export function ipv4(text: string): number {
  const n = parseIpv4(text);
  if (n === undefined) throw new RangeError(`not an IPv4 address: ${text.slice(0, 40)}`);
  return n;
}

/** A range of addresses: first address (host bits zero) and prefix length. */
export interface Cidr4 {
  readonly first: number;
  readonly prefix: number;
}

/** A range, or the reason why the text is not one. Host bits must be zero. */
export function parseCidr4(text: string): Cidr4 | string {
  const slash = text.indexOf("/");
  const first = slash < 0 ? undefined : parseIpv4(text.slice(0, slash));
  const length = text.slice(slash + 1);
  if (first === undefined || !/^(0|[1-9]\d?)$/.test(length) || Number(length) > 32)
    return "must be an IPv4 range such as 10.0.0.0/16";
  const prefix = Number(length);
  const range = { first: maskOf(first, prefix), prefix };
  if (range.first !== first) return `has host bits set; did you mean ${formatCidr4(range)}?`;
  return range;
}

/** As parseCidr4, for text that was validated before; throws RangeError otherwise. */
export function cidr4(text: string): Cidr4 {
  const range = parseCidr4(text);
  if (typeof range === "string") throw new RangeError(`${text.slice(0, 40)}: ${range}`);
  return range;
}

export const formatCidr4 = (r: Cidr4): string => `${formatIpv4(r.first)}/${r.prefix}`;
export const sizeOf = (r: Cidr4): number => 2 ** (32 - r.prefix);
export const lastOf = (r: Cidr4): number => r.first + sizeOf(r) - 1;
export const maskOf = (n: number, prefix: number): number => n - (n % 2 ** (32 - prefix));
export const contains = (r: Cidr4, n: number): boolean => n >= r.first && n <= lastOf(r);
export const containsRange = (outer: Cidr4, inner: Cidr4): boolean =>
  inner.prefix >= outer.prefix && contains(outer, inner.first);
export const overlaps = (a: Cidr4, b: Cidr4): boolean => a.first <= lastOf(b) && b.first <= lastOf(a);

/** Ranges that no tenant may use, with why (RFC 6890). The underlay's own ranges are not among them. */
const RESERVED: readonly (readonly [string, string])[] = [
  ["0.0.0.0/8", 'is reserved for "this network" (RFC 791)'],
  ["127.0.0.0/8", "is the loopback range (RFC 1122)"],
  ["169.254.0.0/16", "is the link-local range (RFC 3927)"],
  ["224.0.0.0/4", "is the multicast range (RFC 5771)"],
  ["240.0.0.0/4", "is reserved (RFC 1112)"],
];

/** Why the range may not be used by a tenant, or undefined where it may. */
export function reservedReason(range: Cidr4): string | undefined {
  for (const [text, why] of RESERVED) if (overlaps(cidr4(text), range)) return `overlaps ${text}, which ${why}`;
  return undefined;
}
