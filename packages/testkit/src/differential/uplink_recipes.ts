import { GATEWAY_MAC, packet, routerMac } from "@onehop/core";
import { NO_HOST } from "../topologies/topology.ts";
import { fuzzed, type Recipe } from "./guest_recipes.ts";
import { ALL_ONES, type Bound, type Case, type Scene } from "./scene.ts";

const { arp, eth, ipv4, udp, vxlan } = packet;

interface Outer {
  /** A port of the host it arrives at. */
  readonly at: Bound;
  readonly src: string;
  readonly vni: number;
  readonly flags?: number;
  readonly dst?: string;
  readonly ip?: Partial<packet.Ipv4>;
  readonly udp?: Partial<packet.Udp>;
}

/** A frame in VXLAN. Reserved bits are random now and then: receivers ignore them. */
function tunnelled(s: Scene, recipe: string, outer: Outer, inner: Uint8Array): Case {
  const r = s.random;
  const reserved = r.chance(20) ? { reserved: r.bits() & 0xffffff, reserved2: r.int(0, 255) } : {};
  const [, ip] = packet.decode(inner);
  const frame = packet.frame(
    eth({ src: "06:00:00:00:00:01", dst: "06:00:00:00:00:02" }),
    ipv4({
      src: outer.src,
      dst: s.host(outer.at).tunnel_address,
      df: true,
      tos: ip?.kind === "ipv4" ? ip.tos : 0,
      ...outer.ip,
    }),
    udp({ sport: r.int(49152, 65535), dport: 4789, ...outer.udp }),
    vxlan({ vni: outer.vni, flags: outer.flags ?? 8, ...reserved }),
    inner,
  );
  return { at: "uplink", recipe, host: outer.at.host_id, frame };
}

/** A local port and another onehop host that might send to it. */
function meeting(s: Scene): { to: Bound; sender: { number: number; tunnel_address: string } } {
  const to = s.random.pick(s.senders);
  return { to, sender: s.random.pick(s.onehop.filter((h) => h.id !== to.host_id)) };
}

function routedInner(s: Scene, to: Bound, macs: { src: string; dst: string }): Uint8Array {
  const body = s.body();
  const src = s.random.pick(s.random.pick(s.ports).addresses);
  return s.frame(macs.src, macs.dst, { ...body.ip, src, dst: s.random.pick(to.addresses) }, body.layers);
}
const between = (s: Scene, sender: { number: number }, to: Bound) => ({
  src: routerMac(sender.number),
  dst: routerMac(s.host(to).number),
});
const vpcVni = (s: Scene, port: Bound) => s.intent.vpcs.get(port.vpc_id)!.vni;

/** A good routed packet from another host, with what `change` says different. */
const forged =
  (name: string, change: (s: Scene, to: Bound) => Partial<Outer>): Recipe =>
  (s) => {
    const { to, sender } = meeting(s);
    const inner = routedInner(s, to, between(s, sender, to));
    return tunnelled(s, name, { at: to, src: sender.tunnel_address, vni: vpcVni(s, to), ...change(s, to) }, inner);
  };

const OVERLAY: Record<string, Recipe> = {
  overlay_good: forged("overlay_good", () => ({})),
  overlay_congested: forged("overlay_congested", (s) => ({ ip: { tos: s.random.int(0, 255) } })),
  unknown_host: forged("unknown_host", (s, to) => ({
    src: s.random.pick([NO_HOST, "8.8.8.8", s.host(to).tunnel_address]),
  })),
  unknown_vni: forged("unknown_vni", (s) => ({ vni: s.random.pick([1, 4999, 5999, 9000, 0xffffff]) })),
  peer_vni: forged("peer_vni", (s) => ({ src: s.peer.tunnel_address })),
  no_flag: forged("no_flag", (s) => ({ flags: s.random.pick([0, 0xf7, 0x80, 0x04]) })),
  outer_fragment: forged("outer_fragment", () => ({ ip: { mf: true, df: false } })),
  outer_cut: (s) => {
    const made = OVERLAY.overlay_good!(s)!;
    return { ...made, recipe: "outer_cut", frame: made.frame.slice(0, s.random.int(42, 49)) };
  },
  not_ours: forged("not_ours", (s) =>
    s.random.pick([{ udp: { dport: s.random.pick([53, 4790]) } }, { ip: { dst: "192.0.2.200" } }]),
  ),
  router_mac: (s) => {
    const { to, sender } = meeting(s);
    const good = between(s, sender, to);
    const macs = s.random.pick([
      { ...good, src: routerMac(77) },
      { ...good, dst: good.src },
      { src: good.dst, dst: good.src },
      { ...good, dst: to.mac },
      { ...good, dst: ALL_ONES },
    ]);
    return tunnelled(
      s,
      "router_mac",
      { at: to, src: sender.tunnel_address, vni: vpcVni(s, to) },
      routedInner(s, to, macs),
    );
  },
  elsewhere: (s) => {
    const { to, sender } = meeting(s);
    const other = s.random.pick(s.ports.filter((p) => p.vpc_id === to.vpc_id));
    const inner = routedInner(s, other, between(s, sender, to));
    return tunnelled(s, "elsewhere", { at: to, src: sender.tunnel_address, vni: vpcVni(s, to) }, inner);
  },
  behind_route: (s) => {
    const { to, sender } = meeting(s);
    const routes = [...s.intent.routes.values()].filter((r) => r.vpc_id === to.vpc_id);
    const dst = s.inside(s.random.pick(routes).destination);
    const body = s.body();
    const macs = between(s, sender, to);
    const inner = s.frame(macs.src, macs.dst, { ...body.ip, src: "10.0.1.10", dst }, body.layers);
    return tunnelled(s, "behind_route", { at: to, src: sender.tunnel_address, vni: vpcVni(s, to) }, inner);
  },
  switched_in: (s) => {
    const { to, sender } = meeting(s);
    const dst = s.random.chance(50) ? to.mac : s.random.pick([...s.ports.map((p) => p.mac), GATEWAY_MAC]);
    const inner = routedInner(s, to, { src: "0a:00:00:00:00:10", dst });
    const src = s.random.pick([sender.tunnel_address, s.peer.tunnel_address]);
    return tunnelled(s, "switched_in", { at: to, src, vni: s.network(to).vni }, inner);
  },
  overlay_class: (s) => {
    const { to, sender } = meeting(s);
    const macs = between(s, sender, to);
    const inner = s.random.pick([
      packet.frame(eth({ src: "0a:00:00:00:00:10", dst: ALL_ONES }), arp({ target_ip: to.addresses[0]! })),
      routedInner(s, to, { src: "0a:00:00:00:00:10", dst: "01:00:5e:00:00:05" }),
      packet.frame(eth({ src: "0a:00:00:00:00:10", dst: to.mac, type: 0x86dd }), s.random.bytes(60)),
    ]);
    const routedKind = packet.frame(eth({ ...macs, type: s.random.pick([0x86dd, 0x0806]) }), s.random.bytes(40));
    const [vni, body] = s.random.chance(70) ? [s.network(to).vni, inner] : [vpcVni(s, to), routedKind];
    return tunnelled(s, "overlay_class", { at: to, src: sender.tunnel_address, vni }, body);
  },
};

/** What a plain peer may send: its own frames, ARP for ports here, and packets for the gateway to route. */
const FROM_PEER: Record<string, Recipe> = {
  peer_switched: (s) => {
    const { to } = meeting(s);
    const inner = routedInner(s, to, { src: "0a:00:00:00:00:99", dst: to.mac });
    return tunnelled(s, "peer_switched", { at: to, src: s.peer.tunnel_address, vni: s.network(to).vni }, inner);
  },
  peer_routed: (s) => {
    const { to } = meeting(s);
    const dst = s.random.chance(70) ? to : s.random.pick(s.ports.filter((p) => p.vpc_id === to.vpc_id));
    const inner = routedInner(s, dst, { src: "0a:00:00:00:00:99", dst: GATEWAY_MAC });
    return tunnelled(s, "peer_routed", { at: to, src: s.peer.tunnel_address, vni: s.network(to).vni }, inner);
  },
  peer_arp: (s) => {
    const { to } = meeting(s);
    const network = s.network(to);
    const target_ip = s.random.pick([
      to.addresses[0]!,
      network.gateway,
      s.random.pick(s.ports).addresses[0]!,
      "10.0.1.222",
    ]);
    const inner = packet.frame(
      eth({ src: "0a:00:00:00:00:99", dst: ALL_ONES }),
      arp({ op: s.random.pick([1, 1, 1, 2]), sender_mac: "0a:00:00:00:00:99", sender_ip: "10.0.1.99", target_ip }),
    );
    return tunnelled(s, "peer_arp", { at: to, src: s.peer.tunnel_address, vni: network.vni }, inner);
  },
};

const SANE = { ...OVERLAY, ...FROM_PEER };
const fuzzedOuter = fuzzed("fuzzed_outer", SANE, { from: 12, to: 49 });

/** By name. */
export const UPLINK_RECIPES: Readonly<Record<string, Recipe>> = {
  ...SANE,
  fuzzed_inner: fuzzed("fuzzed_inner", SANE, { from: 50, to: 90 }),
  /** With the checksum right again most of the time, for it hides the rest. */
  fuzzed_outer: (s) => {
    const made = fuzzedOuter(s);
    if (made && s.random.chance(80)) {
      packet.put16(made.frame, 24, 0);
      packet.put16(made.frame, 24, packet.checksum(made.frame.subarray(14, 34)));
    }
    return made;
  },
};
