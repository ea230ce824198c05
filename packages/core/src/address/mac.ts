/** Ethernet addresses: six bytes; text is lower-case, colon separated. */

const MAC = /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/;

export function parseMac(text: string): Uint8Array | undefined {
  if (!MAC.test(text)) return undefined;
  return Uint8Array.from(text.split(":"), (byte) => Number.parseInt(byte, 16));
}

export function mac(text: string): Uint8Array {
  const bytes = parseMac(text);
  if (!bytes) throw new RangeError(`not a MAC address: ${text.slice(0, 40)}`);
  return bytes;
}

export const formatMac = (bytes: ArrayLike<number>): string =>
  Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join(":");

/** A unicast address a port may have: not a group address, not zero, not of the system's own ranges. */
export function portMacProblem(text: string): string | undefined {
  const bytes = parseMac(text);
  if (!bytes) return "must be six lower-case hex bytes, such as 0a:11:22:33:44:55";
  if ((bytes[0]! & 1) === 1) return "is a group address; a port needs a unicast address";
  if (bytes.every((b) => b === 0)) return "must not be all zero";
  if (bytes[0] === 0x02 && bytes[1] === 0x00) return "is in 02:00:…, the range of the hosts' router MACs";
  if (text === GATEWAY_MAC) return "is the gateway's own MAC";
  return undefined;
}

/** The anycast gateway's MAC: the same on every host and in every network (RFC 9135 section 4.1). */
export const GATEWAY_MAC = "0e:00:00:00:00:01";

/** A host's router MAC: inner source and destination of routed packets between hosts: 02:00 and the host number. */
export const routerMac = (hostNumber: number): string =>
  formatMac([2, 0, (hostNumber >>> 24) & 255, (hostNumber >>> 16) & 255, (hostNumber >>> 8) & 255, hostNumber & 255]);

/** A port's MAC made from 40 random bits, in the range 0a:…. */
export const macFromBits = (bits: Uint8Array): string => formatMac([0x0a, ...bits.subarray(0, 5)]);
