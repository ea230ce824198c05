/** What leaves the host must fit the underlay. */
import { packet, routerMac } from "@onehop/core";
import { type Row, wire } from "../scenario.ts";
import { GATEWAY, type GuestName, ip, MTU, mac, NET, VPC } from "../world.ts";

const { frame, eth, ipv4, udp, tcp, icmp, fromHex } = packet;
const HEADERS = 28;

/** A datagram from web whose IPv4 packet has so many bytes. */
const sized = (to: GuestName, length: number, l3: Partial<packet.Ipv4> = {}) =>
  frame(
    eth({ src: mac("web"), dst: to === "far" || to === "near" ? mac(to) : GATEWAY }),
    ipv4({ src: ip("web"), dst: ip(to), ...l3 }),
    udp({ sport: 4000, dport: 5000 }),
    length - HEADERS,
  );
const tooBig = (about: Uint8Array) =>
  frame(
    eth({ src: GATEWAY, dst: mac("web"), type: 0x0800 }),
    ipv4({ src: "10.0.1.1", dst: ip("web"), df: true }),
    icmp({ type: 3, code: 4, mtu: MTU }),
    about.slice(14, 14 + 548),
  );
const refused = { action: "reply", reason: "too_big", stage: "size" } as const;

const overTcp = (to: GuestName, payload: number, spec: Parameters<typeof tcp>[0] = {}) =>
  frame(
    eth({ src: mac("web"), dst: mac(to) }),
    ipv4({ src: ip("web"), dst: ip(to) }),
    tcp({ sport: 4000, dport: 80, flags: "A", ...spec }),
    payload,
  );
/** What a clamped SYN must be is what the builder makes of the lower value, checksum and all. */
const clamped = (title: string, before: Parameters<typeof tcp>[0], after: Parameters<typeof tcp>[0]): Row => ({
  title,
  from: "web",
  frame: overTcp("far", 0, before),
  ends: { action: "host", host: 2 },
  out: wire(1, 2, NET.front, overTcp("far", 0, after)),
});
const syn = { flags: "S" } as const;
/** An MSS option at an odd place, after a NOP. */
const odd = (mss: string) => ({ ...syn, options: fromHex(`010204${mss}0101ff`) });

export const SIZE: readonly Row[] = [
  {
    title: "a packet that just fits leaves",
    from: "web",
    frame: sized("far", MTU),
    ends: { action: "host", host: 2 },
    out: wire(1, 2, NET.front, sized("far", MTU)),
  },
  {
    title: "one byte more that may not be fragmented is answered with the MTU (RFC 1191)",
    from: "web",
    frame: sized("far", MTU + 1, { df: true }),
    ends: { ...refused, class: "layer2" },
    out: tooBig(sized("far", MTU + 1, { df: true })),
  },
  {
    title: "one that may be fragmented is answered as well",
    from: "web",
    frame: sized("db", MTU + 1),
    ends: { ...refused, class: "layer3" },
    out: tooBig(sized("db", MTU + 1)),
  },
  {
    title: "a plain peer's port is behind the same underlay",
    from: "web",
    frame: frame(eth({ src: mac("web"), dst: mac("plain") }), ipv4({ src: ip("web"), dst: ip("plain") }), udp(), MTU),
    ends: refused,
    out: tooBig(
      frame(eth({ src: mac("web"), dst: mac("plain") }), ipv4({ src: ip("web"), dst: ip("plain") }), udp(), MTU),
    ),
  },
  {
    title: "on one host any size is delivered",
    from: "web",
    frame: sized("near", MTU + 200),
    ends: { action: "guest", slot: 2 },
  },
  {
    title: "a super-packet whose segments fit is let through (but a test run's has no type, and the kernel refuses it)",
    from: "web",
    frame: overTcp("far", 3000),
    gso_size: MTU - 40,
    ends: { action: "drop", reason: "internal", stage: "deliver" },
  },
  {
    title: "a super-packet whose segments do not fit is answered",
    from: "web",
    frame: overTcp("far", 3000),
    gso_size: MTU - 39,
    ends: refused,
    out: tooBig(overTcp("far", 3000)),
  },
  {
    title: "TCP options count into a segment",
    from: "web",
    frame: overTcp("far", 3000, { options: fromHex("0101080a0000000000000000") }),
    gso_size: MTU - 40,
    ends: refused,
    out: tooBig(overTcp("far", 3000, { options: fromHex("0101080a0000000000000000") })),
  },
  clamped("a SYN that offers more than fits is lowered", { ...syn, mss: 1460 }, { ...syn, mss: MTU - 40 }),
  clamped("so is the answer to one", { flags: "SA", mss: 8960 }, { flags: "SA", mss: MTU - 40 }),
  clamped("what fits is kept", { ...syn, mss: MTU - 40 }, { ...syn, mss: MTU - 40 }),
  clamped("less is kept", { ...syn, mss: 536 }, { ...syn, mss: 536 }),
  clamped("an MSS at an odd place is lowered, and its checksum is right", odd("05b4"), odd("0582")),
  clamped("a SYN without options is kept", syn, syn),
  clamped(
    "an option that makes no sense ends the search",
    { ...syn, options: fromHex("0301020405b40000") },
    { ...syn, options: fromHex("0301020405b40000") },
  ),
  clamped("without SYN nothing is lowered", { mss: 1460 }, { mss: 1460 }),
  {
    title: "on one host a SYN is kept",
    from: "web",
    frame: overTcp("near", 0, { ...syn, mss: 8960 }),
    ends: { action: "guest", slot: 2 },
  },
  {
    title: "a routed SYN is lowered too",
    from: "web",
    frame: frame(
      eth({ src: mac("web"), dst: GATEWAY }),
      ipv4({ src: ip("web"), dst: ip("db") }),
      tcp({ ...syn, mss: 1460 }),
    ),
    ends: { action: "host", host: 2 },
    out: wire(
      1,
      2,
      VPC.front,
      frame(
        eth({ src: routerMac(1), dst: routerMac(2) }),
        ipv4({ src: ip("web"), dst: ip("db"), ttl: 63 }),
        tcp({ ...syn, mss: MTU - 40 }),
      ),
    ),
  },
];
