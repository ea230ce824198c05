import { type At, GATEWAY_MAC, type Host, type Intent, type Network, packet, routerMac } from "@onehop/core";
import { ALL_PUSHED, type Known, Sight } from "./knowledge.ts";
import { dropped, type Outcome, type Result, type Step, type Wire } from "./outcome.ts";
import { isGroup, type Readable, read } from "./read.ts";
import { arpReply } from "./resolve.ts";
import { echoReply, routed, withCongestion, withMacs, withTtl } from "./rewrite.ts";
import { encapsulate, MOST_HOPS, open, passedOn, RELAYED, withoutReserved } from "./tunnel.ts";
import { type Place, type World, worldOf } from "./world.ts";

/** A frame that came out of a tunnel. */
interface Arrived {
  readonly intent: Intent;
  readonly known: Known;
  readonly world: World;
  /** The VPC as this host knows it. */
  readonly sight: Sight;
  readonly here: At<Host>;
  readonly sender: At<Host>;
  readonly vni: number;
  readonly tos: number;
  /** How often it was passed on; undefined: it does not go by a hub. */
  readonly hops: number | undefined;
  readonly whole: Uint8Array;
  /** What is inside. */
  readonly frame: Uint8Array;
  readonly p: Readable;
}

/** What happens to a frame that a host gets from the underlay, whoever sent it. `known`: of VPCs that learn. */
export function predictWire(intent: Intent, atHost: string, frame: Uint8Array, known = ALL_PUSHED): Outcome {
  const world = worldOf(intent);
  const here = intent.hosts.get(atHost);
  if (!here) throw new RangeError(`no host ${atHost.slice(0, 80)}`);
  const opened = open(frame, here.tunnel_address);
  if (opened.kind === "not_ours") return outcome({ kind: "left" });
  if (opened.kind === "message") return outcome(dropped("message"));
  if (opened.kind === "broken") return outcome(dropped("overlay_header"));
  const sender = world.hostByTunnel(opened.src);
  if (!sender || sender.id === here.id) return outcome(dropped("unknown_host"));
  const network = world.networkByVni(opened.vni);
  const routed = world.vpcByVni(opened.vni);
  const vpc = routed ?? (network && intent.vpcs.get(network.vpc_id));
  const sight = vpc && new Sight(world, here, vpc, known);
  if (!sight?.serves || (network && !sight.hears(network))) return outcome(dropped("unknown_vni"));
  if (routed && sender.kind === "vxlan-peer") return outcome(dropped("peer_vni"));
  const p = read(opened.inner);
  if ("problem" in p) return outcome(dropped(p.problem === "ethertype" ? "overlay_class" : p.problem));
  const relayed = sight.knowledge && routed ? opened.relayed : 0;
  const hops = relayed & RELAYED ? relayed & ~RELAYED : undefined;
  const { vni, tos, inner } = opened;
  const a = { intent, known, world, sight, here, sender, vni, tos, hops, whole: frame, frame: inner, p };
  return routed ? fromRouter(a) : fromNetwork(a, network!);
}

const outcome = (result: Result, path: readonly Step[] = []): Outcome => ({ class: "overlay", path, result });

const isHere = (a: Arrived, place: Place | undefined): place is Place => place?.host.id === a.here.id;

function delivered(a: Arrived, to: Place, frame: Uint8Array, how: Step): Outcome {
  // Congestion that the sender could not hear of must cost it the packet (RFC 6040 section 4.2).
  if ((a.tos & 3) === 3 && (a.p.ip!.tos & 3) === 0) return outcome(dropped("overlay_header"));
  return outcome({ kind: "delivered", port: to.port.id, frame: withCongestion(frame, a.tos) }, [how, "local"]);
}

/** The VPC's VNI: routed by the sender's host, which shows in both MACs; the last step's MACs are written here. */
function fromRouter(a: Arrived): Outcome {
  const { eth, ip } = a.p;
  const collector = a.hops === undefined ? a.sender : collectorOf(a);
  if (!collector || eth.src !== routerMac(collector.number) || eth.dst !== routerMac(a.here.number))
    return outcome(dropped("router_mac"));
  if (!ip) return outcome(dropped("overlay_class"));
  const to = a.sight.placeOf(ip.dst);
  if (isHere(a, to)) return delivered(a, to, withMacs(a.frame, GATEWAY_MAC, to.port.mac), "route");
  return a.sight.knowledge ? relayed(a, collector, ip) : outcome(dropped("not_here"));
}

/** The host that the packet's sender is on: its router MAC survives hubs. */
const collectorOf = ({ world, p }: Arrived): At<Host> | undefined =>
  world.hostByNumber(Number.parseInt(p.eth.src.slice(3).replaceAll(":", ""), 16));

/** Not for a guest here: passed on by a hub, or by the host where the receiver was until lately. */
function relayed(a: Arrived, collector: At<Host>, ip: packet.Ipv4): Outcome {
  const { sight } = a;
  if ((a.hops ?? 0) >= MOST_HOPS) return outcome(dropped("hops"));
  const to = sight.placeOf(ip.dst);
  if (sight.isHub && !isAdmitted(a, collector, { ip, to })) return outcome(dropped("hub_source"));
  const { address } = sight.target(ip.dst);
  if (sight.gateway(address) && !sight.isHub) return outcome(dropped("not_here"));
  // A gateway is no next hop.
  if (sight.gateway(address) && address !== ip.dst) return outcome(dropped("unknown_destination"));
  if (sight.gateway(address)) return answeredByHub(a, collector, ip);
  if (to?.host.kind === "vxlan-peer") return toPeer(a, to);
  const next = sight.isHub ? nextByHub(a, to) : nextByFormer(a, ip, to);
  if (next.length === 0) return outcome(dropped(sight.isHub ? "unknown_destination" : "not_here"));
  const way = { vni: a.vni, relayed: RELAYED | ((a.hops ?? 0) + 1), src: a.p.eth.src };
  return passed(a, next, way);
}

/** In the name of a guest that is, or lately was, where it was collected; straight from there, or from where the receiver is or was. */
function isAdmitted(a: Arrived, collector: At<Host>, { ip, to }: { ip: packet.Ipv4; to: Place | undefined }): boolean {
  const { sight, sender } = a;
  if (!sight.maySendFrom(collector, ip.src)) return false;
  if (!a.hops) return collector.id === sender.id;
  return sender.id === to?.host.id || sight.isUsed(sender) || sight.wasAt(sight.target(ip.dst).address, sender.id);
}

/** A hub that lacks it, or thinks that it is where it comes from, tries another, once. */
function nextByHub({ sight, sender, hops }: Arrived, to: Place | undefined): readonly At<Host>[] {
  if (to && to.host.id !== sender.id) return [to.host];
  if (!to && sight.isWhole) return [];
  const mayTry = hops ? !sight.isUsed(sender) : !to;
  return mayTry ? sight.otherHubs(sender) : [];
}

function nextByFormer({ world, sight, sender }: Arrived, ip: packet.Ipv4, to: Place | undefined): readonly At<Host>[] {
  const learned = to ? undefined : sight.learned(sight.target(ip.dst).address);
  const next = to?.host ?? (learned && world.host(learned.host));
  return next && next.id !== sender.id ? [next] : sight.otherHubs(sender);
}

/** A hub is any gateway of the VPC to who has no port of its network; the reply goes straight back. */
function answeredByHub(a: Arrived, collector: At<Host>, ip: packet.Ipv4): Outcome {
  const t = a.p.transport;
  if (t?.kind !== "icmp" || t.type !== 8 || ip.mf) return outcome(dropped("service"));
  const reply = echoReply(a.frame, GATEWAY_MAC);
  const whole = packet.concat([a.whole.subarray(0, a.whole.length - a.frame.length), reply]);
  return passed({ ...a, whole }, [collector], { vni: a.vni, src: routerMac(a.here.number) });
}

/** Symmetric routing ends here: a plain peer is sent the network's own frames, and no bit that it does not know. */
function toPeer(a: Arrived, { network, host, port }: Place): Outcome {
  const way = { from: a.here, to: host, vni: network.vni, src: GATEWAY_MAC, dst: port.mac };
  const frame = withoutReserved(passedOn(a.whole, way));
  const result = { kind: "delivered", port: port.id, frame: withMacs(a.frame, GATEWAY_MAC, port.mac) } as const;
  return { ...outcome(result, ["relay", "peer"]), wire: { from_host: a.here.id, to_host: host.id, frame } };
}

/** As it came but for what says where to, to any of these hosts. */
function passed(a: Arrived, to: readonly At<Host>[], way: { vni: number; relayed?: number; src: string }): Outcome {
  const wires = to.map((host): Wire => {
    const frame = passedOn(a.whole, { ...way, from: a.here, to: host, dst: routerMac(host.number) });
    return { from_host: a.here.id, to_host: host.id, frame };
  });
  const [wire, ...or] = wires as [Wire, ...Wire[]];
  const { result } = predictWire(a.intent, wire.to_host, wire.frame, a.known);
  return { ...outcome(result, ["relay"]), wire, ...(or.length > 0 ? { or } : {}) };
}

/** A network's VNI: switched as it is; a plain peer may also ask and use the gateway. */
function fromNetwork(a: Arrived, network: At<Network>): Outcome {
  const { eth, arp, ip } = a.p;
  const plain = a.sender.kind === "vxlan-peer";
  if (arp) return plain ? askedByPeer(a, network) : outcome(dropped("overlay_class"));
  if (isGroup(eth.dst)) return outcome(dropped("overlay_class"));
  if (plain && eth.dst === GATEWAY_MAC) return routedForPeer(a, ip!);
  const to = a.world.byMac(network, eth.dst);
  return isHere(a, to) ? delivered(a, to, a.frame, "switch") : outcome(dropped("not_here"));
}

/** A peer's ARP request is answered for the ports of this host and the gateway, back through the tunnel. */
function askedByPeer(a: Arrived, network: Network): Outcome {
  const arp = a.p.arp!;
  const owner = a.world.byAddress(a.sight.vpc, arp.target_ip);
  const local = isHere(a, owner) && owner.network.id === network.id ? owner.port.mac : undefined;
  const mac = arp.target_ip === network.gateway ? GATEWAY_MAC : local;
  if (arp.op !== 1 || mac === undefined) return outcome(dropped("overlay_class"));
  const frame = encapsulate(arpReply(a.frame, mac), { from: a.here, to: a.sender, vni: a.vni });
  return outcome({ kind: "answered", frame }, ["resolve"]);
}

/** What a peer sends to the gateway's MAC is routed to ports of this host; by a hub, straight on to another. */
function routedForPeer(a: Arrived, ip: packet.Ipv4): Outcome {
  const to = a.sight.gateway(ip.dst) ? undefined : a.sight.placeOf(ip.dst);
  const hop = to && a.sight.isHub && to.host.kind === "onehop" && to.host.id !== a.here.id ? to.host : undefined;
  if (hop && a.world.byAddress(a.sight.vpc, ip.src)?.host.id !== a.sender.id) return outcome(dropped("hub_source"));
  if (!hop && !isHere(a, to)) return outcome(dropped("not_here"));
  if (ip.ttl <= 1) return outcome(dropped("ttl"));
  if (!hop) return delivered(a, to!, routed(a.frame, GATEWAY_MAC, to!.port.mac), "route");
  const whole = packet.concat([a.whole.subarray(0, a.whole.length - a.frame.length), withTtl(a.frame, ip.ttl - 1)]);
  return passed({ ...a, whole }, [hop], { vni: a.sight.vpc.vni, src: routerMac(a.here.number) });
}
