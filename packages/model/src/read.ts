import { type DropReason, GATEWAY_MAC, packet } from "@onehop/core";
import type { PacketClass } from "./outcome.ts";

const ARP_FORMAT = "000108000604";
const METADATA = "169.254.169.254";

/** A frame that can be read as far as the network needs. */
export interface Readable {
  readonly class: PacketClass;
  readonly eth: packet.Eth;
  readonly arp?: packet.Arp;
  readonly ip?: packet.Ipv4;
  /** Header of the first or only fragment, if it is of a kind that is looked at. */
  readonly transport?: packet.Udp | packet.Tcp | packet.Icmp;
}
/** One that cannot. */
export interface Unreadable {
  readonly problem: DropReason;
}

/** What a guest's frame is. */
export function read(frame: Uint8Array): Readable | Unreadable {
  const [eth, second, third] = packet.decode(frame);
  if (eth?.kind !== "eth") return { problem: "malformed" };
  if (eth.vlan !== undefined || (eth.type !== 0x0806 && eth.type !== 0x0800)) return { problem: "ethertype" };
  if (eth.type === 0x0806) {
    if (second?.kind !== "arp" || second.format !== ARP_FORMAT) return { problem: "malformed" };
    return { class: "arp", eth, arp: second };
  }
  if (second?.kind !== "ipv4" || !wholePacket(second, frame.length - 14)) return { problem: "malformed" };
  const transport = third?.kind === "udp" || third?.kind === "tcp" || third?.kind === "icmp" ? third : undefined;
  if (needsHeader(second) && !transport) return { problem: "malformed" };
  const found = { class: classOf(eth, second, transport), eth, ip: second };
  return transport ? { ...found, transport } : found;
}

const wholePacket = (ip: packet.Ipv4, available: number): boolean =>
  ip.version === 4 && ip.length >= ip.ihl * 4 && ip.length <= available;

/** Later fragments have no transport header, and other protocols' are not looked at. */
const needsHeader = (ip: packet.Ipv4): boolean => ip.offset === 0 && [1, 6, 17].includes(ip.protocol);

function classOf(eth: packet.Eth, ip: packet.Ipv4, transport: Readable["transport"]): PacketClass {
  if (transport?.kind === "udp" && (transport.dport === 67 || transport.dport === 68)) return "dhcp";
  if (ip.dst === METADATA) return "metadata";
  if (isGroup(eth.dst)) return "broadcast";
  return eth.dst === GATEWAY_MAC ? "layer3" : "layer2";
}

/** Broadcast is a group too. */
export const isGroup = (mac: string): boolean => (Number.parseInt(mac.slice(0, 2), 16) & 1) === 1;

/** Multicast and the limited broadcast address. */
export const isGroupAddress = (address: string): boolean => {
  const first = Number(address.split(".")[0]);
  return (first >= 224 && first <= 239) || address === "255.255.255.255";
};
