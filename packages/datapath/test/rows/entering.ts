/** What a guest's frame must be before anything is done with it. */
import { packet } from "@onehop/core";
import type { Row } from "../scenario.ts";
import { BROADCAST, datagram, GATEWAY, GUESTS, ip, mac, routedTo } from "../world.ts";

const { frame, eth, arp, ipv4, udp, tcp, fromHex, put16 } = packet;

const web = { src: mac("web"), dst: GATEWAY };
const good = datagram("web", "near");

/** The frame with bytes of its own choosing. */
function patched(f: Uint8Array, change: (copy: Uint8Array) => void): Uint8Array {
  const copy = f.slice();
  change(copy);
  return copy;
}
const malformed = { action: "drop", reason: "malformed", class: "other", stage: "parse" } as const;
const ethertype = { action: "drop", reason: "ethertype", class: "other", stage: "classify" } as const;
const guarded = { action: "drop", stage: "source_guard" } as const;
const ask = (fields: Partial<packet.Arp>) =>
  frame(
    eth({ src: mac("web"), dst: BROADCAST }),
    arp({ sender_mac: mac("web"), sender_ip: ip("web"), target_ip: ip("near"), ...fields }),
  );

export const ENTERING: readonly Row[] = [
  {
    title: "a device without a port carries nothing",
    from: "no port",
    frame: good,
    ends: { action: "drop", reason: "unknown_port", stage: "endpoint" },
  },
  {
    title: "a frame of an Ethernet header alone is malformed",
    from: "web",
    frame: ask({}).slice(0, 14),
    ends: malformed,
  },
  { title: "a packet longer than its frame is malformed", from: "web", frame: good.slice(0, -1), ends: malformed },
  {
    title: "another IP version under IPv4's ethertype is malformed",
    from: "web",
    frame: patched(good, (f) => f.fill(0x65, 14, 15)),
    ends: malformed,
  },
  {
    title: "a header length below 20 bytes is malformed",
    from: "web",
    frame: patched(good, (f) => f.fill(0x44, 14, 15)),
    ends: malformed,
  },
  {
    title: "a total length below the header's is malformed",
    from: "web",
    frame: patched(good, (f) => put16(f, 16, 19)),
    ends: malformed,
  },
  {
    title: "a UDP header that its packet does not hold is malformed",
    from: "web",
    frame: frame(eth(web), ipv4({ src: ip("web"), dst: ip("db"), protocol: 17 }), fromHex("0fa01388")),
    ends: malformed,
  },
  {
    title: "a TCP header shorter than 20 bytes by its own account is malformed",
    from: "web",
    frame: frame(eth(web), ipv4({ src: ip("web"), dst: ip("db") }), tcp({ words: 4 })),
    ends: malformed,
  },
  {
    title: "ARP for anything but IPv4 over Ethernet is malformed",
    from: "web",
    frame: ask({ format: "000186dd0610" }),
    ends: malformed,
  },
  { title: "ARP cut short is malformed", from: "web", frame: ask({}).slice(0, 41), ends: malformed },
  {
    title: "IPv6 is not carried, multicast or not",
    from: "web",
    frame: frame(eth({ src: mac("web"), dst: "33:33:00:00:00:01", type: 0x86dd }), 40),
    ends: ethertype,
  },
  {
    title: "a VLAN tag is not carried",
    from: "web",
    frame: frame(eth({ ...web, vlan: 7 }), ipv4({ src: ip("web"), dst: ip("db") }), udp(), 8),
    ends: ethertype,
  },
  {
    title: "a frame from another's MAC is stopped at the port",
    from: "web",
    frame: frame(eth({ src: mac("near"), dst: GATEWAY }), ipv4({ src: ip("web"), dst: ip("db") }), udp(), 8),
    ends: { ...guarded, reason: "source_mac", class: "layer3" },
  },
  {
    title: "a packet from another's address is stopped at the port",
    from: "web",
    frame: frame(eth(web), ipv4({ src: ip("near"), dst: ip("db") }), udp(), 8),
    ends: { ...guarded, reason: "source_address", class: "layer3" },
  },
  {
    title: "a packet from the gateway's address is stopped at the port",
    from: "web",
    frame: frame(eth(web), ipv4({ src: "10.0.1.1", dst: ip("db") }), udp(), 8),
    ends: { ...guarded, reason: "source_address" },
  },
  {
    title: "a port's second address is its own",
    from: "web",
    frame: frame(eth({ ...web, dst: mac("near") }), ipv4({ src: GUESTS.web.ips[1], dst: ip("near") }), udp(), 8),
    ends: { action: "guest", reason: "none", slot: 2 },
  },
  {
    title: "an allowed range is a source of the port that has it",
    from: "cache",
    frame: frame(eth({ src: mac("cache"), dst: GATEWAY }), ipv4({ src: "172.20.0.9", dst: ip("near") }), udp(), 8),
    ends: { action: "guest", slot: 2, stage: "deliver" },
    out: frame(
      eth({ src: GATEWAY, dst: mac("near") }),
      ipv4({ src: "172.20.0.9", dst: ip("near"), ttl: 63 }),
      udp(),
      8,
    ),
  },
  {
    title: "outside its allowed range it is stopped",
    from: "cache",
    frame: frame(eth({ src: mac("cache"), dst: GATEWAY }), ipv4({ src: "172.32.0.9", dst: ip("near") }), udp(), 8),
    ends: { ...guarded, reason: "source_address" },
  },
  {
    title: "ARP in another's MAC is stopped at the port",
    from: "web",
    frame: ask({ sender_mac: mac("near") }),
    ends: { ...guarded, reason: "arp_source", class: "arp" },
  },
  {
    title: "ARP in another's address is stopped at the port",
    from: "web",
    frame: ask({ sender_ip: ip("near") }),
    ends: { ...guarded, reason: "arp_source", class: "arp" },
  },
  {
    title: "ARP in the name of an allowed address passes the guard, as of a guest with a virtual address",
    from: "cache",
    frame: frame(
      eth({ src: mac("cache"), dst: BROADCAST }),
      arp({ sender_mac: mac("cache"), sender_ip: "172.20.0.9", target_ip: "10.0.2.200" }),
    ),
    ends: { reason: "unknown_destination", stage: "answer_arp", class: "arp" },
  },
  {
    title: "DHCP is not served, though its sender has no address yet (RFC 2131)",
    from: "web",
    frame: frame(
      eth({ src: mac("web"), dst: BROADCAST }),
      ipv4({ src: "0.0.0.0", dst: "255.255.255.255" }),
      udp({ sport: 68, dport: 67 }),
      300,
    ),
    ends: { action: "drop", reason: "service", class: "dhcp", stage: "serve" },
  },
  {
    title: "metadata is not served",
    from: "web",
    frame: routedTo("web", "169.254.169.254"),
    ends: { action: "drop", reason: "service", class: "metadata", stage: "serve" },
  },
  {
    title: "Q13: broadcast is not carried",
    from: "web",
    frame: frame(eth({ src: mac("web"), dst: BROADCAST }), ipv4({ src: ip("web"), dst: "10.0.1.255" }), udp(), 8),
    ends: { action: "drop", reason: "broadcast", class: "broadcast", stage: "serve" },
  },
  {
    title: "Q13: multicast is not carried",
    from: "web",
    frame: frame(
      eth({ src: mac("web"), dst: "01:00:5e:00:00:12" }),
      ipv4({ src: ip("web"), dst: "224.0.0.18" }),
      udp(),
      8,
    ),
    ends: { action: "drop", reason: "broadcast", class: "broadcast" },
  },
  {
    title: "Q13: multicast sent to the gateway is not routed",
    from: "web",
    frame: routedTo("web", "239.1.2.3"),
    ends: { action: "drop", reason: "broadcast", class: "layer3", stage: "route" },
  },
];
