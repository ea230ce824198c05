import { GATEWAY_MAC, packet } from "@onehop/core";
import { ALL_ONES, type Bound, type Case, type Scene } from "./scene.ts";

const { arp, eth, icmp, ipv4, tcp, udp } = packet;

/** Makes a packet of one kind; undefined: this topology has nothing to make it of just now. */
export type Recipe = (s: Scene) => Case | undefined;

const sameNetwork = (a: Bound, b: Bound) => a.network_id === b.network_id;
const sameHost = (a: Bound, b: Bound) => a.host_id === b.host_id;

type Fits = (s: Scene) => (from: Bound, to: Bound) => boolean;
const LOCAL: Fits = () => sameHost;
const REMOTE: Fits = (s) => (a, b) => !sameHost(a, b) && b.host_id !== s.peer.id;
const PEER: Fits = (s) => (_, b) => b.host_id === s.peer.id;

const switched =
  (name: string, fits: Fits): Recipe =>
  (s) => {
    const pair = s.pair((a, b) => sameNetwork(a, b) && fits(s)(a, b));
    return pair && s.send(name, pair.from, { address: s.random.pick(pair.to.addresses), mac: pair.to.mac });
  };

const routed =
  (name: string, fits: Fits): Recipe =>
  (s) => {
    const pair = s.pair(fits(s));
    return pair && s.send(name, pair.from, { address: s.random.pick(pair.to.addresses) });
  };

/** To an address that may be of a port, behind a route, inside the ranges, or nowhere. */
function anywhere(s: Scene, from: Bound): string {
  const routes = [...s.intent.routes.values()].filter((r) => r.vpc_id === from.vpc_id);
  const vpc = s.intent.vpcs.get(from.vpc_id)!;
  const port = () => s.random.pick(s.random.pick(s.ports).addresses);
  const one = s.random.int(0, 3);
  if (one === 0) return port();
  if (one === 1) return s.inside(s.random.pick(routes).destination);
  return one === 2 ? s.inside(s.random.pick(vpc.cidrs)) : `203.0.${s.random.int(0, 255)}.${s.random.int(0, 255)}`;
}

const broken = (s: Scene): { ip: Partial<packet.Ipv4> } => ({ ip: { ttl: s.random.int(0, 1) } });

/** Bigger than the underlay carries, or just not. */
const big = (s: Scene) => {
  const { ip } = s.body();
  const length = s.mtu - 28 + s.random.pick([-1, 0, 1, 2, 10, 50]);
  return { ip: { ...ip, options: new Uint8Array(0) }, layers: [udp({ dport: 7000 }), s.random.bytes(length)] };
};

/** A SYN with options in any order, at odd places, cut short or with lengths that make no sense. */
const syn = (s: Scene) => {
  const r = s.random;
  const mss = r.pick([536, s.mtu - 41, s.mtu - 40, s.mtu - 39, 1460, 8960, 65535]);
  const one = Uint8Array.of(2, 4, mss >>> 8, mss & 255);
  const scale = Uint8Array.of(3, 3, 7);
  const options = r.pick([
    [one],
    [one, Uint8Array.of(1), scale],
    [Uint8Array.of(1), one, Uint8Array.of(1, 1, 1)],
    [scale, one, Uint8Array.of(0)],
    [Uint8Array.of(4, 2), one, Uint8Array.of(8, 10), r.bytes(8), Uint8Array.of(1), scale],
    [Uint8Array.of(0), one],
    [Uint8Array.of(5, 0), one],
    [Uint8Array.of(1, 1, 1, 2)],
    [scale],
    [],
  ]);
  const flags = r.pick(["S", "SA", "SEC"]);
  return { ip: s.body().ip, layers: [tcp({ flags, seq: r.bits(), dport: 443, options: packet.concat(options) })] };
};

/** ARP of a port; by default a broadcast in the port's own name. */
const ask = (
  s: Scene,
  recipe: string,
  from: Bound,
  { to, ...fields }: Partial<packet.Arp> & { to?: string },
): Case => ({
  at: "guest",
  recipe,
  port: from.id,
  frame: packet.frame(
    eth({ src: from.mac, dst: to ?? ALL_ONES }),
    arp({ sender_mac: from.mac, sender_ip: s.random.pick(from.addresses), ...fields }),
    ...(s.random.chance(50) ? [packet.trailer(18)] : []),
  ),
});

const asking =
  (name: string, target: (s: Scene, from: Bound) => string | undefined): Recipe =>
  (s) => {
    const from = s.random.pick(s.senders);
    const target_ip = target(s, from);
    const probe = s.random.chance(20) ? { sender_ip: "0.0.0.0" } : {};
    return target_ip === undefined ? undefined : ask(s, name, from, { target_ip, ...probe });
  };

const to =
  (name: string, make: (s: Scene, from: Bound) => Parameters<Scene["send"]>[2]): Recipe =>
  (s) => {
    const from = s.random.pick(s.senders);
    return s.send(name, from, make(s, from));
  };

const FORWARDING: Record<string, Recipe> = {
  switch_local: switched("switch_local", LOCAL),
  switch_remote: switched("switch_remote", REMOTE),
  switch_peer: switched("switch_peer", PEER),
  route_local: routed("route_local", LOCAL),
  route_remote: routed("route_remote", REMOTE),
  route_peer: routed("route_peer", PEER),
  via: to("via", (s, from) => {
    const routes = [...s.intent.routes.values()].filter((r) => r.vpc_id === from.vpc_id);
    return { address: s.inside(s.random.pick(routes).destination) };
  }),
  ranges: to("ranges", (s, from) => ({ address: s.inside(s.random.pick(s.intent.vpcs.get(from.vpc_id)!.cidrs)) })),
  anywhere: to("anywhere", (s, from) => ({ address: anywhere(s, from) })),
  no_route: to("no_route", (s) => ({ address: `203.0.${s.random.int(0, 255)}.${s.random.int(0, 255)}` })),
  itself: to("itself", (s, from) => ({ address: s.random.pick(from.addresses) })),
  later_fragment: to("later_fragment", (s, from) => ({
    address: anywhere(s, from),
    ip: { offset: 8 * s.random.int(1, 100), mf: s.random.chance(50), protocol: s.random.pick([1, 6, 17]) },
  })),
  first_fragment: to("first_fragment", (s, from) => ({ address: anywhere(s, from), ip: { mf: true } })),
};

const GATEWAY: Record<string, Recipe> = {
  echo: to("echo", (s, from) => {
    const gateways = [...s.intent.networks.values()].filter((n) => n.vpc_id === from.vpc_id).map((n) => n.gateway);
    const echo = [
      icmp({ type: 8, id: s.random.int(0, 65535), seq: s.random.int(0, 65535) }),
      s.random.bytes(s.random.int(0, 1400)),
    ];
    const { ip } = s.body();
    const free = { ttl: s.random.int(0, 255), mf: s.random.chance(5) };
    return { address: s.random.pick(gateways), body: { ip: { ...ip, ...free }, layers: echo } };
  }),
  gateway_other: to("gateway_other", (s, from) => ({ address: s.network(from).gateway })),
  ttl: to("ttl", (s, from) => ({ address: anywhere(s, from), ...broken(s) })),
  too_big_remote: (s) => {
    const pair = s.pair((a, b) => !sameHost(a, b));
    return pair && s.send("too_big_remote", pair.from, { address: s.random.pick(pair.to.addresses), body: big(s) });
  },
  too_big_switched: (s) => {
    const pair = s.pair((a, b) => sameNetwork(a, b) && !sameHost(a, b));
    const address = pair && s.random.pick(pair.to.addresses);
    return pair && s.send("too_big_switched", pair.from, { address: address!, mac: pair.to.mac, body: big(s) });
  },
  syn: (s) => {
    const pair = s.pair(() => true);
    if (!pair) return undefined;
    const mac = sameNetwork(pair.from, pair.to) && s.random.chance(50) ? { mac: pair.to.mac } : {};
    return s.send("syn", pair.from, { address: s.random.pick(pair.to.addresses), ...mac, body: syn(s) });
  },
  icmp_error: to("icmp_error", (s, from) => ({
    address: anywhere(s, from),
    body: {
      ip: { ttl: s.random.int(0, 64) },
      layers: [
        icmp({ type: s.random.pick([3, 4, 5, 11, 12]), code: s.random.int(0, 4) }),
        packet.frame(ipv4({ src: "10.0.1.9", dst: "10.0.1.8" }), udp(), 8),
      ],
    },
  })),
};

const ARP: Record<string, Recipe> = {
  arp_port: asking(
    "arp_port",
    (s, from) =>
      s.random.maybe(s.ports.filter((p) => p.network_id === from.network_id && p.id !== from.id))?.addresses[0],
  ),
  arp_gateway: asking("arp_gateway", (s, from) => s.network(from).gateway),
  arp_own: asking("arp_own", (s, from) => s.random.pick(from.addresses)),
  arp_unknown: asking("arp_unknown", (s, from) => s.inside(s.network(from).cidr)),
  arp_elsewhere: asking("arp_elsewhere", (s) => s.random.pick(s.random.pick(s.ports).addresses)),
  arp_other_kinds: (s) => {
    const from = s.random.pick(s.senders);
    const other = s.random.pick(s.ports);
    const target = { op: s.random.pick([0, 2, 3, 8]), target_ip: other.addresses[0]!, target_mac: other.mac };
    return ask(s, "arp_other_kinds", from, { ...target, to: s.random.pick([other.mac, ALL_ONES, GATEWAY_MAC]) });
  },
  arp_lie: (s) => {
    const from = s.random.pick(s.senders);
    const other = s.random.pick(s.ports.filter((p) => p.id !== from.id));
    const lie = s.random.pick([
      { sender_mac: "0a:77:77:77:77:77" },
      { sender_ip: other.addresses[0]! },
      { sender_ip: s.network(from).gateway },
      { sender_ip: "10.0.1.200", op: 2 },
    ]);
    return ask(s, "arp_lie", from, { target_ip: s.network(from).gateway, ...lie });
  },
  arp_format: (s) => {
    const format = s.random.pick(["000608000604", "000186dd0604", "000108000804", "000108000610"]);
    return ask(s, "arp_format", s.random.pick(s.senders), { format, target_ip: "10.0.1.1" });
  },
};

const GUARDED: Record<string, Recipe> = {
  source_mac: (s) => {
    const pair = s.pair((a, b) => a.mac !== b.mac);
    if (!pair) return undefined;
    const made = s.send("source_mac", pair.from, { address: pair.to.addresses[0]! });
    made.frame.set(packet.fromHex(pair.to.mac.replaceAll(":", "")), 6);
    return made;
  },
  source_address: (s) => {
    const { from, to: other } = s.pair((a, b) => a.id !== b.id) ?? {};
    if (!from || !other) return undefined;
    const src = s.random.pick([
      other.addresses[0]!,
      s.network(from).gateway,
      "0.0.0.0",
      "8.8.8.8",
      "172.20.1.1",
      "10.0.251.9",
    ]);
    const address = s.random.chance(50) ? other.addresses[0]! : anywhere(s, from);
    return s.send("source_address", from, { address, ip: { src } });
  },
  dhcp: (s) => {
    const from = s.random.pick(s.senders);
    const dport = s.random.pick([67, 68]);
    const src = s.random.chance(30) ? { src: "0.0.0.0" } : {};
    const body = { ip: { ttl: 64 }, layers: [udp({ sport: dport === 67 ? 68 : 67, dport }), s.random.bytes(240)] };
    const [address, mac] = s.random.pick([
      ["255.255.255.255", ALL_ONES],
      [s.network(from).gateway, GATEWAY_MAC],
    ] as const);
    return s.send("dhcp", from, { address, mac, body, ip: src });
  },
  metadata: to("metadata", (s) => ({
    address: "169.254.169.254",
    mac: s.random.pick([GATEWAY_MAC, ALL_ONES, "0a:99:00:00:00:01"]),
  })),
  broadcast: to("broadcast", (s) => ({
    address: s.random.pick(["255.255.255.255", "10.0.1.255", "224.0.0.251", "10.0.1.14"]),
    mac: s.random.pick([ALL_ONES, "01:00:5e:00:00:fb", "03:00:00:00:00:01"]),
  })),
  multicast_routed: to("multicast_routed", (s) => ({
    address: s.random.pick(["224.0.0.5", "239.255.255.250", "255.255.255.255"]),
  })),
  unknown_mac: to("unknown_mac", (s) => ({
    address: s.random.pick(s.random.pick(s.ports).addresses),
    mac: s.random.pick(["0a:de:ad:00:00:01", "02:00:00:00:00:01", s.random.pick(s.ports).mac, "0e:00:00:00:00:02"]),
  })),
};

const UNREADABLE: Record<string, Recipe> = {
  ethertype: (s) => {
    const from = s.random.pick(s.senders);
    const type = s.random.pick([0x86dd, 0x88cc, 0x8100, 0x88a8, 0x0000, 0x05ff, 0x8847]);
    const dst = s.random.pick([GATEWAY_MAC, ALL_ONES, s.random.pick(s.ports).mac]);
    return {
      at: "guest",
      recipe: "ethertype",
      port: from.id,
      frame: packet.frame(eth({ src: from.mac, dst, type }), s.random.bytes(60)),
    };
  },
  malformed: (s) => {
    const whole = FORWARDING.anywhere!(s)!;
    const crafted = s.random.pick([
      { version: s.random.pick([0, 5, 6, 15]) },
      { ihl: s.random.pick([0, 4, 15]) },
      { length: s.random.pick([0, 19, 1500, 65535]) },
    ]);
    if (s.random.chance(50))
      return { ...whole, recipe: "malformed", frame: whole.frame.slice(0, s.random.int(14, 41)) };
    const from = s.random.pick(s.senders);
    return s.send("malformed", from, { address: anywhere(s, from), ip: crafted });
  },
};

type Recipes = Readonly<Record<string, Recipe>>;

/** Any of these with up to three bytes from..to changed: the two sides must agree about nonsense, too. */
export const fuzzed =
  (recipe: string, recipes: Recipes, { from, to }: { from: number; to: number }): Recipe =>
  (s) => {
    const made = s.random.pick(Object.values(recipes))(s);
    if (!made || made.frame.length <= to) return undefined;
    const frame = made.frame.slice();
    for (let i = s.random.int(1, 3); i > 0; i--) frame[s.random.int(from, to)] = s.random.bits() & 255;
    return { ...made, recipe, frame };
  };

const SANE = { ...FORWARDING, ...GATEWAY, ...ARP, ...GUARDED, ...UNREADABLE };
/** By name. */
export const GUEST_RECIPES: Recipes = {
  ...SANE,
  fuzzed_head: fuzzed("fuzzed_head", SANE, { from: 0, to: 41 }),
  fuzzed_body: fuzzed("fuzzed_body", SANE, { from: 14, to: 65 }),
};
