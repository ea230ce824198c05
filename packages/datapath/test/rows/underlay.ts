/** What arrives on an uplink: from other hosts, from plain peers, and forged. */
import { packet, routerMac } from "@onehop/core";
import { outer, type Row, wire } from "../scenario.ts";
import { BROADCAST, datagram, GATEWAY, ip, mac, NET, TUNNEL, VPC } from "../world.ts";

const { frame, eth, arp, ipv4, udp, tcp, vxlan, put16 } = packet;

const at1 = { uplink: 1 } as const;
const at2 = { uplink: 2 } as const;
const own = { action: "stack", reason: "none", stage: "outer", retval: 0 } as const;
const refused = (reason: Row["ends"]["reason"], stage: Row["ends"]["stage"] = "outer") =>
  ({ action: "drop", stage: stage!, ...(reason ? { reason } : {}) }) as const;
const toFar = datagram("web", "far");
const good = wire(1, 2, NET.front, toFar);

function patched(f: Uint8Array, change: (copy: Uint8Array) => void): Uint8Array {
  const copy = f.slice();
  change(copy);
  return copy;
}
/** What host 1 puts in the VPC's tunnel for db. */
const routed = (src: string, dst: string, l3: Partial<packet.Ipv4> = {}) =>
  frame(eth({ src, dst }), ipv4({ src: ip("web"), dst: ip("db"), ttl: 63, ...l3 }), udp(), 20);

export const OWN: readonly Row[] = [
  {
    title: "a frame that is not IPv4 is the host's own",
    from: at2,
    frame: frame(eth({ type: 0x86dd }), 60),
    ends: own,
  },
  {
    title: "a datagram to another port is the host's own",
    from: at2,
    frame: frame(eth({}), ipv4({ src: TUNNEL[1], dst: TUNNEL[2] }), udp({ dport: 4790 }), 60),
    ends: own,
  },
  {
    title: "VXLAN to another address of the host is its own",
    from: at2,
    frame: outer({ src: TUNNEL[1], dst: "192.0.2.77" }, { vni: NET.front }, toFar),
    ends: own,
  },
  {
    title: "TCP is the host's own",
    from: at2,
    frame: frame(eth({}), ipv4({ dst: TUNNEL[2] }), tcp({ dport: 4789 })),
    ends: own,
  },
  {
    title: "a later fragment cannot be told from the host's own",
    from: at2,
    frame: outer({ src: TUNNEL[1], dst: TUNNEL[2], df: false, offset: 1480 }, { vni: NET.front }, toFar),
    ends: own,
  },
  {
    title: "a tagged frame is the host's own",
    from: at2,
    frame: frame(eth({ vlan: 5 }), ipv4({ dst: TUNNEL[2] }), udp({ dport: 4789 }), 60),
    ends: own,
  },
];

export const TUNNELLED: readonly Row[] = [
  {
    title: "reserved bits of the VXLAN header are ignored (RFC 7348)",
    from: at2,
    frame: outer(
      { src: TUNNEL[1], dst: TUNNEL[2] },
      { vni: NET.front, flags: 0x8c, reserved: 0xabcdef, reserved2: 0x7f },
      toFar,
    ),
    ends: { action: "guest", slot: 1, ifindex: 101 },
    out: toFar,
  },
  {
    title: "bytes after the outer packet are not delivered",
    from: at2,
    frame: frame(good, packet.trailer(9)),
    ends: { action: "guest", slot: 1 },
    out: toFar,
  },
  {
    title: "congestion that the underlay marked is told to the guest (RFC 6040)",
    from: at2,
    frame: outer({ src: TUNNEL[1], dst: TUNNEL[2], tos: 3 }, { vni: NET.front }, datagram("web", "far", { tos: 2 })),
    ends: { action: "guest", slot: 1 },
    out: datagram("web", "far", { tos: 3 }),
  },
  {
    title: "a tap's small packets are delivered by the program",
    from: at2,
    frame: wire(1, 2, NET.front, datagram("web", "vm")),
    ends: { action: "guest", slot: 3, retval: 7, mark: 0 },
    out: datagram("web", "vm"),
  },
  {
    title: "a tap's super-packets are left to the idle VXLAN device, marked and without reserved bits",
    from: at2,
    frame: outer(
      { src: TUNNEL[1], dst: TUNNEL[2] },
      { vni: NET.front, flags: 0x88, reserved2: 1 },
      datagram("web", "vm"),
    ),
    gso_size: 1400,
    ends: { action: "stack", reason: "none", stage: "rewrite", retval: 0, mark: 0x6f686f70 },
    out: wire(1, 2, NET.front, datagram("web", "vm")),
  },
  {
    title: "so are a container's super-packets of UDP, which its kernel takes apart",
    from: at2,
    frame: wire(1, 2, NET.front, toFar),
    gso_size: 1400,
    ends: { action: "stack", reason: "none", stage: "rewrite", retval: 0, mark: 0x6f686f70 },
  },
];

const peerAsks = (target_ip: string, more: Partial<packet.Arp> = {}) =>
  frame(
    eth({ src: mac("plain"), dst: BROADCAST }),
    arp({ sender_mac: mac("plain"), sender_ip: ip("plain"), target_ip, ...more }),
  );
const peerIsTold = (owner: string, sender_ip: string) =>
  frame(
    eth({ src: owner, dst: mac("plain") }),
    arp({ op: 2, sender_mac: owner, sender_ip, target_mac: mac("plain"), target_ip: ip("plain") }),
  );
const told = { action: "reply", reason: "none", stage: "answer_arp", retval: 7 } as const;

export const PEER: readonly Row[] = [
  {
    title: "a plain peer's frame reaches a port untouched",
    from: at2,
    frame: wire(3, 2, NET.front, datagram("plain", "far")),
    ends: { action: "guest", slot: 1 },
    out: datagram("plain", "far"),
  },
  {
    title: "what a plain peer sends to the gateway is routed to a port here, one off the TTL",
    from: at2,
    frame: wire(3, 2, NET.front, datagram("plain", "db")),
    ends: { action: "guest", slot: 2 },
    out: frame(
      eth({ src: GATEWAY, dst: mac("db") }),
      ipv4({ src: ip("plain"), dst: ip("db"), ttl: 63, id: 7 }),
      udp({ sport: 4000, dport: 5000 }),
      "one hop",
    ),
  },
  {
    title: "but not with a TTL that has run out",
    from: at2,
    frame: wire(3, 2, NET.front, datagram("plain", "db", { ttl: 1 })),
    ends: refused("ttl", "route"),
  },
  {
    title: "Q13: and never on to another host",
    from: at1,
    frame: wire(3, 1, NET.front, datagram("plain", "db")),
    ends: refused("not_here", "route"),
  },
  {
    title: "a plain peer's ARP for a port is answered by the port's host",
    from: at2,
    frame: wire(3, 2, NET.front, peerAsks(ip("far"))),
    ends: told,
    out: wire(2, 3, NET.front, peerIsTold(mac("far"), ip("far"))),
  },
  {
    title: "Q22: a plain peer's ARP for the gateway is answered by any host",
    from: at1,
    frame: wire(3, 1, NET.front, peerAsks("10.0.1.1")),
    ends: told,
    out: wire(1, 3, NET.front, peerIsTold(GATEWAY, "10.0.1.1")),
  },
  {
    title: "the other hosts stay silent about a port",
    from: at1,
    frame: wire(3, 1, NET.front, peerAsks(ip("far"))),
    ends: refused("overlay_class", "answer_arp"),
  },
  {
    title: "a plain peer's ARP replies are not carried",
    from: at2,
    frame: wire(3, 2, NET.front, peerAsks(ip("far"), { op: 2 })),
    ends: refused("overlay_class", "answer_arp"),
  },
  {
    title: "a plain peer may use networks' VNIs only",
    from: at2,
    frame: wire(3, 2, VPC.front, routed(routerMac(3), routerMac(2))),
    ends: refused("peer_vni"),
  },
];

export const FORGED: readonly Row[] = [
  {
    title: "an unknown address is no host",
    from: at2,
    frame: outer({ src: "203.0.113.66", dst: TUNNEL[2] }, { vni: NET.front }, toFar),
    ends: refused("unknown_host"),
  },
  { title: "an unknown VNI is not served", from: at2, frame: wire(1, 2, 99, toFar), ends: refused("unknown_vni") },
  {
    title: "without the flag the VNI is not valid",
    from: at2,
    frame: outer({ src: TUNNEL[1], dst: TUNNEL[2] }, { vni: NET.front, flags: 0 }, toFar),
    ends: refused("overlay_header"),
  },
  {
    title: "a first fragment is not put together",
    from: at2,
    frame: outer({ src: TUNNEL[1], dst: TUNNEL[2], df: false, mf: true }, { vni: NET.front }, toFar),
    ends: refused("overlay_header"),
  },
  {
    title: "a wrong checksum of the outer header is not accepted",
    from: at2,
    frame: outer({ src: TUNNEL[1], dst: TUNNEL[2], checksum: 0xdead }, { vni: NET.front }, toFar),
    ends: refused("overlay_header"),
  },
  {
    title: "a UDP length that contradicts the packet's is not accepted",
    from: at2,
    frame: patched(good, (f) => put16(f, 38, 20)),
    ends: refused("overlay_header"),
  },
  {
    title: "a packet cut short on the way is not accepted",
    from: at2,
    frame: good.slice(0, -3),
    ends: refused("overlay_header"),
  },
  {
    title: "outer IPv4 options are not accepted",
    from: at2,
    frame: outer({ src: TUNNEL[1], dst: TUNNEL[2], options: packet.fromHex("94040000") }, { vni: NET.front }, toFar),
    ends: refused("overlay_header"),
  },
  {
    title: "an inner packet that contradicts itself is malformed",
    from: at2,
    frame: wire(1, 2, NET.front, toFar.slice(0, -1)),
    ends: refused("malformed", "parse"),
  },
  {
    title: "Q15: ARP out of another host's tunnel is not accepted",
    from: at2,
    frame: wire(1, 2, NET.front, peerAsks(ip("far"))),
    ends: refused("overlay_class", "classify"),
  },
  {
    title: "Q13: broadcast out of a tunnel is not accepted",
    from: at2,
    frame: wire(1, 2, NET.front, frame(eth({ src: mac("web"), dst: BROADCAST }), ipv4({ src: ip("web") }), udp(), 8)),
    ends: refused("overlay_class", "classify"),
  },
  {
    title: "IPv6 out of a tunnel is not accepted",
    from: at2,
    frame: wire(1, 2, NET.front, frame(eth({ src: mac("web"), dst: mac("far"), type: 0x86dd }), 60)),
    ends: refused("overlay_class", "classify"),
  },
  {
    title: "a MAC that is on another host is not sent on",
    from: at2,
    frame: wire(1, 2, NET.front, datagram("web", "near")),
    ends: refused("not_here", "switch"),
  },
  {
    title: "Q2: a network's VNI reaches the ports of that network only",
    from: at1,
    frame: wire(2, 1, NET.twin, datagram("far", "near")),
    ends: refused("not_here", "switch"),
  },
  {
    title: "a routed packet of another host's router MAC is forged",
    from: at2,
    frame: wire(1, 2, VPC.front, routed(routerMac(7), routerMac(2))),
    ends: refused("router_mac", "route"),
  },
  {
    title: "a routed packet to another host's router MAC is forged",
    from: at2,
    frame: wire(1, 2, VPC.front, routed(routerMac(1), routerMac(1))),
    ends: refused("router_mac", "route"),
  },
  {
    title: "ARP between routers is not accepted",
    from: at2,
    frame: wire(1, 2, VPC.front, frame(eth({ src: routerMac(1), dst: routerMac(2) }), arp({ target_ip: ip("db") }))),
    ends: refused("overlay_class", "route"),
  },
  {
    title: "a routed packet is never sent on to another host",
    from: at2,
    frame: wire(1, 2, VPC.front, routed(routerMac(1), routerMac(2), { dst: ip("cache") })),
    ends: refused("not_here", "route"),
  },
  {
    title: "a routed packet to the gateway is not answered",
    from: at2,
    frame: wire(1, 2, VPC.front, routed(routerMac(1), routerMac(2), { dst: "10.0.2.1" })),
    ends: refused("not_here", "route"),
  },
  {
    title: "Q2: the VPC's VNI reaches the ports of that VPC only",
    from: at2,
    frame: wire(1, 2, VPC.twin, routed(routerMac(1), routerMac(2))),
    ends: refused("not_here", "route"),
  },
  {
    title: "Q2: a network's VNI routes nothing between routers",
    from: at2,
    frame: wire(1, 2, NET.back, routed(routerMac(1), routerMac(2))),
    ends: refused("not_here", "switch"),
  },
  {
    title: "between routers, too, an unknown address is no host",
    from: at2,
    frame: outer({ src: "203.0.113.66", dst: TUNNEL[2] }, { vni: VPC.front }, routed(routerMac(1), routerMac(2))),
    ends: refused("unknown_host"),
  },
  {
    title: "a plain peer that bears a host's router MAC is one still",
    from: at2,
    frame: wire(3, 2, VPC.front, routed(routerMac(1), routerMac(2))),
    ends: refused("peer_vni"),
  },
  {
    title: "of a stranger's malformed packet it is told that he is one",
    from: at2,
    frame: outer({ src: "203.0.113.66", dst: TUNNEL[2] }, { vni: NET.front }, toFar.slice(0, -1)),
    ends: refused("unknown_host"),
  },
  {
    title: "a port whose device is gone takes nothing from the wire",
    from: at1,
    frame: wire(2, 1, NET.front, datagram("far", "gone")),
    ends: { ...refused("device_gone", "locate") },
  },
  {
    title: "congestion that a guest's transport cannot be told of is lost instead (RFC 6040)",
    from: at2,
    frame: outer({ src: TUNNEL[1], dst: TUNNEL[2], tos: 3 }, { vni: NET.front }, toFar),
    ends: refused("overlay_header", "rewrite"),
  },
  {
    title: "a VXLAN header without a frame in it is malformed",
    from: at2,
    frame: frame(
      eth({}),
      ipv4({ src: TUNNEL[1], dst: TUNNEL[2] }),
      udp({ dport: 4789 }),
      vxlan({ vni: NET.front }),
      10,
    ),
    ends: refused("malformed", "parse"),
  },
];
