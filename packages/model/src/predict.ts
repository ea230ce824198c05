import { type At, GATEWAY_MAC, type Host, type Intent, type packet, routerMac } from "@onehop/core";
import { type About, type Complaint, icmpError } from "./icmp_error.ts";
import { ALL_PUSHED, type Known, type Learned, Sight } from "./knowledge.ts";
import { question } from "./messages.ts";
import { dropped, type Outcome, type Question, type Step } from "./outcome.ts";
import { isGroupAddress, read } from "./read.ts";
import { arpReply } from "./resolve.ts";
import { echoReply, routed, withMssAtMost } from "./rewrite.ts";
import { allowedSource } from "./source.ts";
import { encapsulate, RELAYED } from "./tunnel.ts";
import { predictWire } from "./wire.ts";
import { type Place, type World, worldOf } from "./world.ts";

/** A packet on its way through its sender's host. */
interface Sent extends About {
  readonly intent: Intent;
  readonly world: World;
  readonly known: Known;
  readonly sight: Sight;
}
type Ip = packet.Ipv4;

export interface Conditions {
  /** Largest IPv4 packet that fits the underlay when encapsulated, in bytes (the underlay's MTU less 50). */
  readonly mtu?: number;
  /** Of VPCs that learn. */
  readonly known?: Known;
}

/**
 * What happens to a frame that the guest of a port sends. Limits per class are not part of it: every port is within them.
 */
export function predict(intent: Intent, sender: string, frame: Uint8Array, conditions: Conditions = {}): Outcome {
  const { mtu = 1450, known = ALL_PUSHED } = conditions;
  const world = worldOf(intent);
  const from = world.place(sender);
  if (from?.host.kind !== "onehop") return { class: "other", path: [], result: dropped("unknown_port") };
  const p = read(frame);
  if ("problem" in p) return { class: "other", path: [], result: dropped(p.problem) };
  const s: Sent = { intent, world, from, frame, p, mtu, known, sight: new Sight(world, from.host, from.vpc, known) };
  const forged = allowedSource(from.port, p);
  return forged ? ending(s, [], dropped(forged)) : handled(s);
}

function handled(s: Sent): Outcome {
  switch (s.p.class) {
    case "arp":
      return resolved(s, s.p.arp!);
    case "dhcp":
    case "metadata":
      return ending(s, [], dropped("service"));
    case "layer2":
      return switched(s);
    case "layer3":
      return route(s, s.p.ip!);
    default:
      return ending(s, [], dropped("broadcast"));
  }
}

const ending = (s: Sent, path: readonly Step[], result: Outcome["result"]): Outcome => ({
  class: s.p.class,
  path,
  result,
});

/** Dropped, with an error to the sender where one may be sent. */
function refused(s: Sent, path: readonly Step[], reason: Parameters<typeof dropped>[0], what: Complaint): Outcome {
  const answer = icmpError(s, what);
  return ending(s, answer ? [...path, "error"] : path, dropped(reason, answer));
}

/** ARP is answered for every known address of the network, and never for the asker's own (RFC 5227). */
function resolved(s: Sent, arp: packet.Arp): Outcome {
  const { sight, from } = s;
  if (arp.op !== 1 || from.port.addresses.includes(arp.target_ip)) return ending(s, [], dropped("broadcast"));
  const owner = sight.told(arp.target_ip);
  const mac = arp.target_ip === from.network.gateway ? GATEWAY_MAC : owner?.port.mac;
  const known = mac !== undefined && (mac === GATEWAY_MAC || owner?.network.id === from.network.id);
  if (!known) return ending(s, [], dropped("unknown_destination"));
  return ending(s, ["resolve"], { kind: "answered", frame: arpReply(s.frame, mac) });
}

/** Within the network the frame stays as it is. */
function switched(s: Sent): Outcome {
  const to = s.world.byMac(s.from.network, s.p.eth.dst);
  if (!to) return ending(s, [], dropped("unknown_mac"));
  if (to.host.id === s.from.host.id)
    return ending(s, ["switch", "local"], { kind: "delivered", port: to.port.id, frame: s.frame });
  return departed(s, {
    to: [to.host],
    port: to.port.id,
    vni: s.from.network.vni,
    frame: () => s.frame,
    path: ["switch"],
  });
}

function route(s: Sent, ip: Ip): Outcome {
  const { world, from, sight } = s;
  if (isGroupAddress(ip.dst)) return ending(s, [], dropped("broadcast"));
  if (sight.gateway(ip.dst)) return toGateway(s);
  const own = known(s, ip.dst, ["route"]);
  if (own) return own;
  const match = world.longestMatch(from.vpc, ip.dst);
  if (!match) return refused(s, ["route"], "no_route", "net_unreachable");
  if (match.kind === "range") return missed(s, { address: ip.dst, path: ["route"], reason: "unknown_destination" });
  const hop = known(s, match.next_hop, ["via"]);
  if (hop) return hop;
  // A gateway is no next hop.
  if (sight.gateway(match.next_hop) || !sight.knowledge) return refused(s, ["via"], "next_hop", "host_unreachable");
  return missed(s, { address: match.next_hop, path: ["via"], reason: "next_hop" });
}

/** To an address whose host was told, or learned; undefined: it is not known. */
function known(s: Sent, address: string, path: readonly Step[]): Outcome | undefined {
  const place = s.sight.told(address);
  if (place) return forwarded(s, place, path);
  const learned = s.sight.learned(address);
  return learned && straight(s, { learned, address, path: [...path, "learned"] });
}

interface Miss {
  /** Of the receiver, or of the next hop. */
  readonly address: string;
  readonly path: readonly Step[];
  readonly reason: "unknown_destination" | "next_hop";
}

/** Any hub may carry it, with a question beside it; who knows everything sends nothing. */
function missed(s: Sent, { address, path, reason }: Miss): Outcome {
  const { sight, from } = s;
  const tired = sight.knowledge && isTired(s, path);
  if (tired) return tired;
  if (sight.isWhole) return refused(s, path, reason, "host_unreachable");
  const hubs = sight.otherHubs();
  if (hubs.length === 0) return ending(s, path, dropped("no_hub"));
  const asked = { to_hosts: hubs.map((h) => h.id), message: question(from.vpc, from.host, { address }) };
  return departed(s, { ...between(s), to: hubs, path, relayed: RELAYED, asked });
}

/** By a learned entry. Now and then its host is asked whether it is still so. */
function straight(s: Sent, way: { learned: Learned; address: string; path: readonly Step[] }): Outcome {
  const { world, from, sight } = s;
  const { learned, address, path } = way;
  const tired = isTired(s, path.slice(0, 1));
  if (tired) return tired;
  const claim = { port: learned.port, revision: BigInt(learned.revision), epoch: sight.knowledge!.epoch };
  const refresh = { to_hosts: [learned.host], message: question(from.vpc, from.host, { address, ...claim }) };
  const to = [world.host(learned.host)!];
  return departed(s, { ...between(s), to, path, ...(learned.fresh ? {} : { asked: refresh }) });
}

/** Answers whole echo requests only: it keeps no fragments. */
function toGateway(s: Sent): Outcome {
  const t = s.p.transport;
  if (t?.kind !== "icmp" || t.type !== 8 || s.p.ip!.mf) return ending(s, [], dropped("service"));
  return ending(s, ["gateway"], { kind: "answered", frame: echoReply(s.frame, GATEWAY_MAC) });
}

const isTired = (s: Sent, path: readonly Step[]): Outcome | undefined =>
  s.p.ip!.ttl <= 1 ? refused(s, path, "ttl", "ttl_exceeded") : undefined;

/** Between hosts a routed packet is the VPC's, and its MACs are the routers'. */
const between = (s: Sent) => ({
  isProbed: true as const,
  vni: s.from.vpc.vni,
  frame: (to: Host) => routed(s.frame, routerMac(s.from.host.number), routerMac(to.number)),
});

/** To the port `to`, one router further: MACs of the last step where it is delivered, router MACs between hosts. */
function forwarded(s: Sent, to: Place, path: readonly Step[]): Outcome {
  const tired = isTired(s, path);
  if (tired) return tired;
  const last = () => routed(s.frame, GATEWAY_MAC, to.port.mac);
  if (to.host.id === s.from.host.id)
    return ending(s, [...path, "local"], { kind: "delivered", port: to.port.id, frame: last() });
  if (to.host.kind === "vxlan-peer")
    return departed(s, { to: [to.host], port: to.port.id, vni: to.network.vni, frame: last, path });
  return departed(s, { ...between(s), to: [to.host], path });
}

interface Departure {
  /** Any of these hosts. */
  readonly to: readonly At<Host>[];
  /** At a plain peer: who gets it there. */
  readonly port?: string;
  readonly vni: number;
  /** The inner frame for a host, ready but for its MSS. */
  readonly frame: (to: Host) => Uint8Array;
  readonly path: readonly Step[];
  readonly relayed?: number;
  readonly asked?: Question;
  /** Routed to a host, which may have to be asked whether it is there. */
  readonly isProbed?: true;
}

/** Leaves the host: it must fit, and a SYN must promise segments that fit. What is asked beside it is asked all the same. */
function departed(s: Sent, { to, port, vni, frame, path, relayed, asked, isProbed }: Departure): Outcome {
  const probe = isProbed && s.sight.knowledge?.unheard ? { probe: true as const } : {};
  const beside = { ...(asked ? { question: asked } : {}), ...probe };
  if (s.p.ip!.length > s.mtu) return { ...refused(s, path, "too_big", "too_big"), ...beside };
  const inner = (host: Host) => withMssAtMost(frame(host), s.mtu - 40);
  const wires = to.map((host) => ({
    from_host: s.from.host.id,
    to_host: host.id,
    frame: encapsulate(inner(host), {
      from: s.from.host,
      to: host,
      vni,
      ...(relayed === undefined ? {} : { relayed }),
    }),
  }));
  const [wire, ...or] = wires as [(typeof wires)[number], ...typeof wires];
  if (to[0]!.kind === "vxlan-peer" && port !== undefined)
    return { ...ending(s, [...path, "peer"], { kind: "delivered", port, frame: inner(to[0]!) }), wire };
  const { result } = predictWire(s.intent, wire.to_host, wire.frame, s.known);
  const how = relayed === undefined ? "wire" : "hub";
  return { ...ending(s, [...path, how], result), ...beside, wire, ...(or.length > 0 ? { or } : {}) };
}
