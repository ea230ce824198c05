import { GATEWAY_MAC, packet } from "@onehop/core";
import type { Guest } from "@onehop/lab";

/** Where a frame comes from or goes to: a guest of the lab, or anything with a MAC and an address. */
export interface Station {
  readonly mac: string;
  readonly address: string;
}
export const station = (guest: Guest): Station => ({ mac: guest.mac, address: guest.addresses[0]! });

/**
 * A packet that no kernel answers: an echo reply nobody asked for, with a text to know it by. Routed: to the gateway's
 * MAC. `ttl` 64 unless given.
 */
export function note(from: Station, to: Station, text: string, { routed = false, ttl = 64 } = {}): Uint8Array {
  return packet.frame(
    packet.eth({ src: from.mac, dst: routed ? GATEWAY_MAC : to.mac }),
    packet.ipv4({ src: from.address, dst: to.address, ttl }),
    packet.icmp({ type: 0, id: 1, seq: 1 }),
    text,
  );
}

export const carries =
  (text: string) =>
  (_: readonly packet.Layer[], frame: Uint8Array): boolean =>
    Buffer.from(frame).includes(text);

/** The same frame with other addresses on layer 2, and so many hops fewer: what a router makes of it. */
export function routed(frame: Uint8Array, macs: { src: string; dst: string }, hops = 1): Uint8Array {
  const [eth, ip, ...rest] = packet.decode(frame);
  if (eth?.kind !== "eth" || ip?.kind !== "ipv4") throw new Error("not an IPv4 frame");
  const { checksum: _, ...fields } = ip;
  return packet.frame({ ...eth, ...macs }, packet.ipv4({ ...fields, ttl: ip.ttl - hops }), ...rest);
}

export const whoHas = (asker: Station, target: string, changes: Partial<packet.Arp> = {}): Uint8Array =>
  packet.frame(
    packet.eth({ src: asker.mac, dst: "ff:ff:ff:ff:ff:ff" }),
    packet.arp({ sender_mac: asker.mac, sender_ip: asker.address, target_ip: target, ...changes }),
  );

/** What the asker gets where the address is known (RFC 826). */
export const isAt = (asker: Station, owner: Station): Uint8Array =>
  packet.frame(
    packet.eth({ src: owner.mac, dst: asker.mac }),
    packet.arp({
      op: 2,
      sender_mac: owner.mac,
      sender_ip: owner.address,
      target_mac: asker.mac,
      target_ip: asker.address,
    }),
  );

/** The gateway of a guest's network, as the guest sees it. */
export const gatewayOf = (guest: Guest): Station => ({ mac: GATEWAY_MAC, address: guest.gateway });

/** An ICMP error of the gateway about a packet, quoting as much as fits (RFC 1812 section 4.3.2.3). */
export function errorAbout(sent: Uint8Array, error: { type: number; code: number; mtu?: number }, gateway: string) {
  const [eth, ip] = packet.decode(sent);
  if (eth?.kind !== "eth" || ip?.kind !== "ipv4") throw new Error("not an IPv4 frame");
  const quote = sent.subarray(14, 14 + Math.min(ip.length, MOST_OF_ERROR - 28));
  return packet.frame(
    packet.eth({ src: GATEWAY_MAC, dst: eth.src }),
    // Id 0 and never a fragment (RFC 6864).
    packet.ipv4({ src: gateway, dst: ip.src, df: true }),
    packet.icmp(error),
    quote,
  );
}
const MOST_OF_ERROR = 576;
