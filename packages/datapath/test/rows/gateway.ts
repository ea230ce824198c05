/** What the gateway answers: ARP, ping and errors. */
import { packet } from "@onehop/core";
import type { Row } from "../scenario.ts";
import { BROADCAST, GATEWAY, GUESTS, type GuestName, ip, mac, routedTo } from "../world.ts";

const { frame, eth, arp, ipv4, udp, tcp, icmp, fromHex } = packet;

const ask = (from: GuestName, target_ip: string, more: Partial<packet.Arp> & { readonly to?: string } = {}) => {
  const { to = BROADCAST, ...fields } = more;
  return frame(
    eth({ src: mac(from), dst: to }),
    arp({ sender_mac: mac(from), sender_ip: ip(from), target_ip, ...fields }),
  );
};
const answer = (from: GuestName, owner: string, sender_ip: string, target_ip = ip(from)) =>
  frame(
    eth({ src: owner, dst: mac(from) }),
    arp({ op: 2, sender_mac: owner, sender_ip, target_mac: mac(from), target_ip }),
  );
const answered = { action: "reply", reason: "none", class: "arp", stage: "answer_arp", retval: 7 } as const;
const quiet = { action: "drop", reason: "broadcast", class: "arp", stage: "answer_arp" } as const;

export const ARP: readonly Row[] = [
  {
    title: "Q15: ARP for a port of the same host is answered in the kernel",
    from: "web",
    frame: ask("web", ip("near")),
    ends: answered,
    out: answer("web", mac("near"), ip("near")),
  },
  {
    title: "Q15: ARP for a port of another host is answered on the sender's",
    from: "web",
    frame: ask("web", ip("far")),
    ends: answered,
    out: answer("web", mac("far"), ip("far")),
  },
  {
    title: "Q15: ARP for a plain peer's port is answered too",
    from: "web",
    frame: ask("web", ip("plain")),
    ends: answered,
    out: answer("web", mac("plain"), ip("plain")),
  },
  {
    title: "Q22: ARP for the gateway gets the MAC that it has everywhere",
    from: "far",
    frame: ask("far", "10.0.1.1"),
    ends: answered,
    out: answer("far", GATEWAY, "10.0.1.1"),
  },
  {
    title: "a request sent to one MAC, to refresh a neighbour, is answered as well",
    from: "web",
    frame: ask("web", ip("near"), { to: mac("near") }),
    ends: answered,
    out: answer("web", mac("near"), ip("near")),
  },
  {
    title: "a probe for a free address that is another's is answered, so that the conflict shows (RFC 5227)",
    from: "web",
    frame: ask("web", ip("near"), { sender_ip: "0.0.0.0" }),
    ends: answered,
    out: answer("web", mac("near"), ip("near"), "0.0.0.0"),
  },
  {
    title: "a probe for the asker's own address is never answered (RFC 5227)",
    from: "web",
    frame: ask("web", ip("web"), { sender_ip: "0.0.0.0" }),
    ends: quiet,
  },
  {
    title: "a probe for the asker's second address is never answered",
    from: "web",
    frame: ask("web", GUESTS.web.ips[1], { sender_ip: "0.0.0.0" }),
    ends: quiet,
  },
  {
    title: "an announcement of the own address is not answered",
    from: "web",
    frame: ask("web", ip("web")),
    ends: quiet,
  },
  {
    title: "an ARP reply is not carried",
    from: "web",
    frame: ask("web", ip("near"), { op: 2, to: mac("near") }),
    ends: quiet,
  },
  {
    title: "ARP for an address that no port has is not answered",
    from: "web",
    frame: ask("web", "10.0.1.99"),
    ends: { ...quiet, reason: "unknown_destination" },
  },
  {
    title: "ARP for an address of another network is not answered",
    from: "web",
    frame: ask("web", ip("cache")),
    ends: { ...quiet, reason: "unknown_destination" },
  },
  {
    title: "Q2: ARP for an address of another VPC is not answered",
    from: "twin",
    frame: ask("twin", ip("near")),
    ends: { ...quiet, reason: "unknown_destination" },
  },
];

const ping = (dst: string, l3: Partial<packet.Ipv4> = {}, type = 8) =>
  frame(
    eth({ src: mac("web"), dst: GATEWAY }),
    ipv4({ src: ip("web"), dst, id: 3, ...l3 }),
    icmp({ type, id: 1, seq: 2 }),
    56,
  );
const pong = (src: string, l3: Partial<packet.Ipv4> = {}) =>
  frame(
    eth({ src: GATEWAY, dst: mac("web") }),
    ipv4({ src, dst: ip("web"), id: 3, ttl: 64, ...l3 }),
    icmp({ type: 0, id: 1, seq: 2 }),
    56,
  );
const served = { action: "drop", reason: "service", class: "layer3", stage: "route" } as const;

export const GATEWAY_ADDRESS: readonly Row[] = [
  {
    title: "the gateway answers ping, whatever the TTL",
    from: "web",
    frame: ping("10.0.1.1", { ttl: 1 }),
    ends: { action: "reply", reason: "none", class: "layer3", stage: "route" },
    out: pong("10.0.1.1"),
  },
  {
    title: "the gateway of another network of the VPC answers ping",
    from: "web",
    frame: ping("10.0.2.1", { tos: 4 }),
    ends: { action: "reply", reason: "none" },
    out: pong("10.0.2.1", { tos: 4 }),
  },
  {
    title: "ping with IPv4 options is answered with them",
    from: "web",
    frame: ping("10.0.1.1", { options: fromHex("94040000") }),
    ends: { action: "reply" },
    out: pong("10.0.1.1", { options: fromHex("94040000") }),
  },
  { title: "a datagram to the gateway is not served", from: "web", frame: routedTo("web", "10.0.1.1"), ends: served },
  { title: "an echo reply to the gateway is not served", from: "web", frame: ping("10.0.1.1", {}, 0), ends: served },
  {
    title: "a fragment of a ping to the gateway is not served",
    from: "web",
    frame: ping("10.0.1.1", { mf: true }),
    ends: served,
  },
];

/** The error about a packet of web's, quoting `quote` bytes of it. */
const complaint = (about: Uint8Array, what: { type: number; code: number; mtu?: number }, quote = 548) =>
  frame(
    eth({ src: GATEWAY, dst: mac("web"), type: 0x0800 }),
    ipv4({ src: "10.0.1.1", dst: ip("web"), df: true }),
    icmp(what),
    about.slice(14, 14 + quote),
  );
const refused = (
  title: string,
  about: Uint8Array,
  reason: Row["ends"]["reason"],
  what: { type: number; code: number },
): Row => ({
  title,
  from: "web",
  frame: about,
  ends: { action: "reply", class: "layer3", stage: "route", ...(reason ? { reason } : {}) },
  out: complaint(about, what),
});
const webTo = (dst: string, l3: Partial<packet.Ipv4>, ...parts: (packet.Spec | number)[]) =>
  frame(eth({ src: mac("web"), dst: GATEWAY }), ipv4({ src: ip("web"), dst, ...l3 }), ...parts);

export const ERRORS: readonly Row[] = [
  refused("an unknown address of the VPC's ranges is unreachable", routedTo("web", "10.0.9.9"), "unknown_destination", {
    type: 3,
    code: 1,
  }),
  refused("an address outside every range and route is unreachable", routedTo("web", "8.8.8.8"), "no_route", {
    type: 3,
    code: 0,
  }),
  refused("a route whose next hop is no port leads nowhere", routedTo("web", "198.18.0.1"), "next_hop", {
    type: 3,
    code: 1,
  }),
  refused("a TTL of 1 ends at the router", routedTo("web", ip("db"), { ttl: 1 }), "ttl", { type: 11, code: 0 }),
  refused("a TTL of 0 ends there as well", routedTo("web", ip("cache"), { ttl: 0 }), "ttl", { type: 11, code: 0 }),
  refused("an unreachable destination is told before the TTL", routedTo("web", "8.8.8.8", { ttl: 1 }), "no_route", {
    type: 3,
    code: 0,
  }),
  refused("an error quotes no more than fits 576 bytes", webTo("8.8.8.8", {}, udp(), 900), "no_route", {
    type: 3,
    code: 0,
  }),
  refused("an error quotes odd lengths right", webTo("8.8.8.8", {}, udp(), 131), "no_route", { type: 3, code: 0 }),
  refused("an error quotes IPv4 options", webTo("8.8.8.8", { options: fromHex("94040000") }, tcp(), 3), "no_route", {
    type: 3,
    code: 0,
  }),
  {
    title: "padding is not quoted",
    from: "web",
    frame: frame(routedTo("web", "8.8.8.8"), packet.trailer(17)),
    ends: { action: "reply", reason: "no_route" },
    out: complaint(routedTo("web", "8.8.8.8"), { type: 3, code: 0 }),
  },
  {
    title: "there is no error about an error",
    from: "web",
    frame: webTo("8.8.8.8", {}, icmp({ type: 3, code: 3 }), 28),
    ends: { action: "drop", reason: "no_route" },
  },
  {
    title: "there is no error about the rest of a fragmented packet",
    from: "web",
    frame: webTo("8.8.8.8", { offset: 1480, protocol: 17 }, 40),
    ends: { action: "drop", reason: "no_route" },
  },
];
