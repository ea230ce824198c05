import { cidr4, contains, type DropReason, ipv4, type Port, type packet } from "@onehop/core";
import type { Readable } from "./read.ts";

/** Why the packet may not come from this port, or undefined where it may: MAC first, then ARP's sender, or IPv4's source. */
export function allowedSource(port: Port, p: Readable): DropReason | undefined {
  if (p.eth.src !== port.mac) return "source_mac";
  if (p.arp) return ownArp(port, p.arp) ? undefined : "arp_source";
  // Who asks DHCP for an address has none yet (RFC 2131 section 4.1).
  if (p.class === "dhcp" && p.ip?.src === "0.0.0.0") return undefined;
  return p.ip && ownAddress(port, p.ip.src) ? undefined : "source_address";
}

/** A probe for an address that is not one's own yet has the sender 0.0.0.0 (RFC 5227 section 1.1). */
const ownArp = (port: Port, arp: packet.Arp): boolean =>
  arp.sender_mac === port.mac && (arp.sender_ip === "0.0.0.0" || ownAddress(port, arp.sender_ip));

const ownAddress = (port: Port, address: string): boolean =>
  port.addresses.includes(address) || port.allowed_addresses.some((range) => contains(cidr4(range), ipv4(address)));
