/** From guest to guest: switched and routed, on one host and across. */
import { packet, routerMac } from "@onehop/core";
import type { Row } from "../scenario.ts";
import { wire } from "../scenario.ts";
import { CUT, datagram, GATEWAY, ip, LOST, mac, NET, routedTo, VPC } from "../world.ts";

const { frame, eth, ipv4, udp, fromHex } = packet;

/** A datagram with other MACs and TTL. */
const remade = (src: string, dst: string, l3: Partial<packet.Ipv4>): Uint8Array =>
  frame(eth({ src, dst }), ipv4({ id: 7, ...l3 }), udp({ sport: 4000, dport: 5000 }), "one hop");
const toLost = (to: { ip: string; mac: string }) => remade(mac("web"), to.mac, { src: ip("web"), dst: to.ip });
const webToDb = { src: ip("web"), dst: ip("db") };
const fragment = { id: 9, mf: false, offset: 1480, protocol: 17 } as const;
const rest = (l2: { src: string; dst: string }, ttl: number) =>
  frame(eth(l2), ipv4({ ...webToDb, ...fragment, ttl }), fromHex("00".repeat(40)));

export const SWITCHED: readonly Row[] = [
  {
    title: "Q21: within a network and a host a frame is delivered untouched",
    from: "web",
    frame: datagram("web", "near"),
    ends: { action: "guest", reason: "none", class: "layer2", stage: "deliver", slot: 2, host: 0, retval: 7 },
  },
  {
    title: "Q23: within a network a frame crosses once, with the network's VNI, MACs and TTL untouched",
    from: "web",
    frame: datagram("web", "far", { tos: 0xb8 }),
    ends: { action: "host", class: "layer2", stage: "deliver", host: 2, ifindex: 50, retval: 7 },
    out: frame(
      eth({}),
      ipv4({ src: "192.0.2.1", dst: "192.0.2.2", ttl: 64, df: true, tos: 0xb8 }),
      udp({ dport: 4789 }),
      packet.vxlan({ vni: NET.front }),
      datagram("web", "far", { tos: 0xb8 }),
    ),
    then: { ends: { action: "guest", slot: 1, stage: "deliver" }, out: datagram("web", "far", { tos: 0xb8 }) },
  },
  {
    title: "a TTL of 1 is no concern of a switch",
    from: "web",
    frame: datagram("web", "far", { ttl: 1 }),
    ends: { action: "host", host: 2 },
    out: wire(1, 2, NET.front, datagram("web", "far", { ttl: 1 })),
    then: { ends: { action: "guest", slot: 1 }, out: datagram("web", "far", { ttl: 1 }) },
  },
  {
    title: "a plain peer's port is reached with the network's VNI, frame untouched",
    from: "web",
    frame: datagram("web", "plain"),
    ends: { action: "host", host: 3 },
    out: wire(1, 3, NET.front, datagram("web", "plain")),
  },
  {
    title: "padding after the packet crosses with it",
    from: "web",
    frame: frame(datagram("web", "far"), packet.trailer(11)),
    ends: { action: "host", host: 2 },
    out: wire(1, 2, NET.front, frame(datagram("web", "far"), packet.trailer(11))),
    then: { ends: { action: "guest", slot: 1 }, out: frame(datagram("web", "far"), packet.trailer(11)) },
  },
  {
    title: "a MAC of no port of the network is unknown",
    from: "web",
    frame: remade(mac("web"), mac("db"), webToDb),
    ends: { action: "drop", reason: "unknown_mac", class: "layer2", stage: "switch" },
  },
  {
    title: "Q2: the same MAC in another VPC is unknown too",
    from: "twin",
    frame: remade(mac("twin"), mac("near"), { src: ip("twin"), dst: ip("near") }),
    ends: { action: "drop", reason: "unknown_mac" },
  },
  {
    title: "a port whose device is gone takes nothing",
    from: "web",
    frame: datagram("web", "gone"),
    ends: { action: "drop", reason: "device_gone", stage: "locate" },
  },
  {
    title: "a host that is on no list is sent nothing",
    from: "web",
    frame: toLost(LOST),
    ends: { action: "drop", reason: "unknown_host", stage: "locate" },
  },
  {
    title: "a host without uplink is sent nothing",
    from: "web",
    frame: toLost(CUT),
    ends: { action: "drop", reason: "device_gone", stage: "locate" },
  },
];

export const ROUTED: readonly Row[] = [
  {
    title: "Q21 Q28: between networks of one host a packet is routed there, one off the TTL",
    from: "web",
    frame: datagram("web", "cache"),
    ends: { action: "guest", class: "layer3", slot: 3, host: 0 },
    out: remade(GATEWAY, mac("cache"), { src: ip("web"), dst: ip("cache"), ttl: 63 }),
  },
  {
    title: "Q23: between networks and hosts a packet crosses once, with the VPC's VNI and the hosts' router MACs",
    from: "web",
    frame: datagram("web", "db"),
    ends: { action: "host", class: "layer3", host: 2 },
    out: wire(1, 2, VPC.front, remade(routerMac(1), routerMac(2), { ...webToDb, ttl: 63 })),
    then: {
      ends: { action: "guest", slot: 2, stage: "deliver" },
      out: remade(GATEWAY, mac("db"), { ...webToDb, ttl: 63 }),
    },
  },
  {
    title: "a packet to the own network by way of the gateway is routed as any other",
    from: "web",
    frame: routedTo("web", ip("far")),
    ends: { action: "host", host: 2 },
    out: wire(1, 2, VPC.front, remade(routerMac(1), routerMac(2), { src: ip("web"), dst: ip("far"), ttl: 63 })),
    then: {
      ends: { action: "guest", slot: 1 },
      out: remade(GATEWAY, mac("far"), { src: ip("web"), dst: ip("far"), ttl: 63 }),
    },
  },
  {
    title: "a plain peer's port is routed to with the network's VNI, the gateway's MAC and its own",
    from: "cache",
    frame: datagram("cache", "plain"),
    ends: { action: "host", host: 3 },
    out: wire(1, 3, NET.front, remade(GATEWAY, mac("plain"), { src: ip("cache"), dst: ip("plain"), ttl: 63 })),
  },
  {
    title: "a static route leads to its next hop's port on this host",
    from: "web",
    frame: routedTo("web", "172.16.3.4"),
    ends: { action: "guest", slot: 3 },
    out: remade(GATEWAY, mac("cache"), { src: ip("web"), dst: "172.16.3.4", ttl: 63 }),
  },
  {
    title: "a static route leads to its next hop's host, which finds the port by the same route",
    from: "web",
    frame: routedTo("web", "203.0.113.9"),
    ends: { action: "host", host: 2 },
    out: wire(1, 2, VPC.front, remade(routerMac(1), routerMac(2), { src: ip("web"), dst: "203.0.113.9", ttl: 63 })),
    then: {
      ends: { action: "guest", slot: 2 },
      out: remade(GATEWAY, mac("db"), { src: ip("web"), dst: "203.0.113.9", ttl: 63 }),
    },
  },
  {
    title: "the rest of a fragmented packet is routed by addresses alone",
    from: "web",
    frame: rest({ src: mac("web"), dst: GATEWAY }, 64),
    ends: { action: "host", host: 2 },
    out: wire(1, 2, VPC.front, rest({ src: routerMac(1), dst: routerMac(2) }, 63)),
    then: { ends: { action: "guest", slot: 2 }, out: rest({ src: GATEWAY, dst: mac("db") }, 63) },
  },
  {
    title: "IPv4 options travel along",
    from: "web",
    frame: datagram("web", "db", { options: fromHex("94040000") }),
    ends: { action: "host", host: 2 },
    out: wire(
      1,
      2,
      VPC.front,
      remade(routerMac(1), routerMac(2), { ...webToDb, ttl: 63, options: fromHex("94040000") }),
    ),
  },
  {
    title: "a wrong IPv4 checksum is neither noticed nor mended",
    from: "web",
    frame: datagram("web", "cache", { checksum: 0x1234 }),
    ends: { action: "guest", slot: 3 },
    out: remade(GATEWAY, mac("cache"), { src: ip("web"), dst: ip("cache"), ttl: 63, checksum: 0x1334 }),
  },
  {
    title: "Q2: an address of one VPC is not there for another",
    from: "twin",
    frame: routedTo("twin", ip("db")),
    ends: { action: "reply", reason: "unknown_destination", class: "layer3", stage: "route" },
    out: packet.frame(
      eth({ src: GATEWAY, dst: mac("twin"), type: 0x0800 }),
      ipv4({ src: "10.0.1.1", dst: ip("twin"), df: true }),
      packet.icmp({ type: 3, code: 1 }),
      routedTo("twin", ip("db")).subarray(14),
    ),
  },
];
