import { type At, GATEWAY_MAC, type Host, packet, routerMac } from "@onehop/core";
import type { Recipe } from "./guest_recipes.ts";
import type { Bound, Case, Scene } from "./scene.ts";

/** Who speaks, and what its packet says of itself. */
interface Relay {
  /** In whose tunnel it comes, and at which host. */
  readonly sender: At<Host>;
  readonly at: At<Host>;
  /** Of whom the inner source MAC tells. */
  readonly collector: At<Host>;
  readonly from: Bound;
  readonly to: string;
  readonly hops: number;
}

const hubsOf = (s: Scene): At<Host>[] => s.onehop.filter((h) => h.roles.includes("hub"));

/** Routed, in the VPC's VNI, with the flag of what goes by a hub. */
function relayedCase(s: Scene, recipe: string, { sender, at, collector, from, to, hops }: Relay): Case {
  const body = s.body();
  const ip = { ...body.ip, src: s.random.pick(from.addresses), dst: to };
  const inner = s.frame(routerMac(collector.number), routerMac(at.number), ip, body.layers);
  const frame = packet.frame(
    packet.eth({ src: "06:00:00:00:00:01", dst: "06:00:00:00:00:02" }),
    packet.ipv4({ src: sender.tunnel_address, dst: at.tunnel_address, df: true, tos: body.ip.tos ?? 0 }),
    packet.udp({ sport: s.random.int(49152, 65535), dport: 4789 }),
    packet.vxlan({ vni: s.intent.vpcs.get(from.vpc_id)!.vni, reserved2: 0x80 | hops }),
    inner,
  );
  return { at: "uplink", recipe, host: at.id, frame };
}

/** A packet that a hub should carry, with what `change` says different. */
const relayed =
  (name: string, change: (s: Scene, good: Relay) => Partial<Relay>): Recipe =>
  (s) => {
    const pair = s.pair((a, b) => a.network_id !== b.network_id && b.host_id !== s.peer.id);
    const hub = s.random.maybe(hubsOf(s));
    if (!pair || !hub || s.host(pair.from).id === hub.id) return undefined;
    const collector = s.host(pair.from);
    const to = s.random.pick(pair.to.addresses);
    const good = { sender: collector, at: hub, collector, from: pair.from, to, hops: 0 };
    return relayedCase(s, name, { ...good, ...change(s, good) });
  };

const another = (s: Scene, { at }: Relay) => s.random.pick(s.onehop.filter((h) => h.id !== at.id));

/** By name. What hubs are asked to carry, rightly and wrongly, and what comes by them. */
export const RELAY_RECIPES: Readonly<Record<string, Recipe>> = {
  relay_good: relayed("relay_good", () => ({})),
  relay_collector: relayed("relay_collector", (s, good) => ({ collector: another(s, good) })),
  relay_sender: relayed("relay_sender", (s, good) => ({ sender: another(s, good) })),
  relay_passed: relayed("relay_passed", (s, good) => ({ sender: another(s, good), hops: s.random.int(1, 2) })),
  relay_hops: relayed("relay_hops", (s) => ({ hops: s.random.pick([2, 3, 4, 127]) })),
  relay_nowhere: relayed("relay_nowhere", (s, good) => ({
    to: s.random.pick([s.inside(s.intent.vpcs.get(good.from.vpc_id)!.cidrs[0]!), "203.0.113.250"]),
  })),
  /** By a hub to where the receiver is, was, or never was. */
  relay_out: relayed("relay_out", (s, { at, from }) => {
    const receiver = s.random.pick(s.senders.filter((p) => p.vpc_id === from.vpc_id));
    return { sender: at, at: s.host(receiver), to: s.random.pick(receiver.addresses), hops: s.random.int(1, 3) };
  }),
  relay_mac: (s) => {
    const made = RELAY_RECIPES.relay_good!(s);
    if (!made) return undefined;
    const [, , , , eth] = packet.decode(made.frame);
    const wrong = s.random.pick([routerMac(77), GATEWAY_MAC, eth?.kind === "eth" ? eth.dst : GATEWAY_MAC]);
    made.frame.set(packet.fromHex(wrong.replaceAll(":", "")), 50 + s.random.pick([0, 6]));
    return { ...made, recipe: "relay_mac" };
  },
};
