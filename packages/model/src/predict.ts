import { GATEWAY_MAC, type Intent, type packet, routerMac } from "@onehop/core";
import { type About, type Complaint, icmpError } from "./icmp_error.ts";
import { dropped, type Outcome, type Step } from "./outcome.ts";
import { isGroupAddress, read } from "./read.ts";
import { arpReply } from "./resolve.ts";
import { echoReply, routed, withMssAtMost } from "./rewrite.ts";
import { allowedSource } from "./source.ts";
import { encapsulate } from "./tunnel.ts";
import { predictWire } from "./wire.ts";
import { type Place, type World, worldOf } from "./world.ts";

/** A packet on its way through its sender's host. */
interface Sent extends About {
  readonly intent: Intent;
  readonly world: World;
}
type Ip = packet.Ipv4;

/**
 * What happens to a frame that the guest of a port sends. Limits per class are not part of it: every port is within them.
 * `mtu`: largest IPv4 packet that fits the underlay when encapsulated, in bytes (the underlay's MTU less 50).
 */
export function predict(intent: Intent, sender: string, frame: Uint8Array, mtu = 1450): Outcome {
  const world = worldOf(intent);
  const from = world.place(sender);
  if (from?.host.kind !== "onehop") return { class: "other", path: [], result: dropped("unknown_port") };
  const p = read(frame);
  if ("problem" in p) return { class: "other", path: [], result: dropped(p.problem) };
  const s: Sent = { intent, world, from, frame, p, mtu };
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
  const { world, from } = s;
  if (arp.op !== 1 || from.port.addresses.includes(arp.target_ip)) return ending(s, [], dropped("broadcast"));
  const owner = world.byAddress(from.vpc, arp.target_ip);
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
  return departed(s, { to, vni: s.from.network.vni, frame: s.frame, path: ["switch"] });
}

function route(s: Sent, ip: Ip): Outcome {
  const { world, from } = s;
  if (isGroupAddress(ip.dst)) return ending(s, [], dropped("broadcast"));
  if (world.gateway(from.vpc, ip.dst)) return toGateway(s);
  const exact = world.byAddress(from.vpc, ip.dst);
  if (exact) return forwarded(s, exact, ["route"]);
  const match = world.longestMatch(from.vpc, ip.dst);
  if (!match) return refused(s, ["route"], "no_route", "net_unreachable");
  if (match.kind === "range") return refused(s, ["route"], "unknown_destination", "host_unreachable");
  const nextHop = world.byAddress(from.vpc, match.next_hop);
  return nextHop ? forwarded(s, nextHop, ["via"]) : refused(s, ["via"], "next_hop", "host_unreachable");
}

/** Answers whole echo requests only: it keeps no fragments. */
function toGateway(s: Sent): Outcome {
  const t = s.p.transport;
  if (t?.kind !== "icmp" || t.type !== 8 || s.p.ip!.mf) return ending(s, [], dropped("service"));
  return ending(s, ["gateway"], { kind: "answered", frame: echoReply(s.frame, GATEWAY_MAC) });
}

/** To the port `to`, one router further: MACs of the last step where it is delivered, router MACs between hosts. */
function forwarded(s: Sent, to: Place, path: readonly Step[]): Outcome {
  if (s.p.ip!.ttl <= 1) return refused(s, path, "ttl", "ttl_exceeded");
  if (to.host.id === s.from.host.id) {
    const frame = routed(s.frame, GATEWAY_MAC, to.port.mac);
    return ending(s, [...path, "local"], { kind: "delivered", port: to.port.id, frame });
  }
  if (to.host.kind === "vxlan-peer")
    return departed(s, { to, vni: to.network.vni, frame: routed(s.frame, GATEWAY_MAC, to.port.mac), path });
  const frame = routed(s.frame, routerMac(s.from.host.number), routerMac(to.host.number));
  return departed(s, { to, vni: to.vpc.vni, frame, path });
}

interface Departure {
  readonly to: Place;
  readonly vni: number;
  /** The inner frame, ready but for its MSS. */
  readonly frame: Uint8Array;
  readonly path: readonly Step[];
}

/** Leaves the host: it must fit, and a SYN must promise segments that fit. */
function departed(s: Sent, { to, vni, frame, path }: Departure): Outcome {
  if (s.p.ip!.length > s.mtu) return refused(s, path, "too_big", "too_big");
  const inner = withMssAtMost(frame, s.mtu - 40);
  const wire = {
    from_host: s.from.host.id,
    to_host: to.host.id,
    frame: encapsulate(inner, { from: s.from.host, to: to.host, vni }),
  };
  if (to.host.kind === "vxlan-peer")
    return { ...ending(s, [...path, "peer"], { kind: "delivered", port: to.port.id, frame: inner }), wire };
  const { result } = predictWire(s.intent, to.host.id, wire.frame);
  return { ...ending(s, [...path, "wire"], result), wire };
}
