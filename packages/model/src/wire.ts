import {
  type At,
  GATEWAY_MAC,
  type Host,
  type Intent,
  type Network,
  type packet,
  routerMac,
  type Vpc,
} from "@onehop/core";
import { dropped, type Outcome, type Result, type Step } from "./outcome.ts";
import { isGroup, type Readable, read } from "./read.ts";
import { arpReply } from "./resolve.ts";
import { routed, withCongestion, withMacs } from "./rewrite.ts";
import { encapsulate, open } from "./tunnel.ts";
import { type Place, type World, worldOf } from "./world.ts";

/** A frame that came out of a tunnel. */
interface Arrived {
  readonly world: World;
  readonly here: At<Host>;
  readonly sender: At<Host>;
  readonly vni: number;
  readonly tos: number;
  readonly frame: Uint8Array;
  readonly p: Readable;
}

/** What happens to a frame that a host gets from the underlay, whoever sent it. */
export function predictWire(intent: Intent, atHost: string, frame: Uint8Array): Outcome {
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
  const vpc = world.vpcByVni(opened.vni);
  const vpcId = vpc?.id ?? network?.vpc_id;
  if (vpcId === undefined || !world.serves(here, vpcId)) return outcome(dropped("unknown_vni"));
  if (vpc && sender.kind === "vxlan-peer") return outcome(dropped("peer_vni"));
  const p = read(opened.inner);
  if ("problem" in p) return outcome(dropped(p.problem === "ethertype" ? "overlay_class" : p.problem));
  const a = { world, here, sender, vni: opened.vni, tos: opened.tos, frame: opened.inner, p };
  return vpc ? fromRouter(a, vpc) : fromNetwork(a, network!, intent.vpcs.get(vpcId)!);
}

const outcome = (result: Result, path: readonly Step[] = []): Outcome => ({ class: "overlay", path, result });

const isHere = (a: Arrived, place: Place | undefined): place is Place => place?.host.id === a.here.id;

function delivered(a: Arrived, to: Place, frame: Uint8Array, how: Step): Outcome {
  // Congestion that the sender could not hear of must cost it the packet (RFC 6040 section 4.2).
  if ((a.tos & 3) === 3 && (a.p.ip!.tos & 3) === 0) return outcome(dropped("overlay_header"));
  return outcome({ kind: "delivered", port: to.port.id, frame: withCongestion(frame, a.tos) }, [how, "local"]);
}

/** The VPC's VNI: routed by the sender's host, which shows in both MACs; the last step's MACs are written here. */
function fromRouter(a: Arrived, vpc: Vpc): Outcome {
  const { eth, ip } = a.p;
  if (eth.src !== routerMac(a.sender.number) || eth.dst !== routerMac(a.here.number))
    return outcome(dropped("router_mac"));
  if (!ip) return outcome(dropped("overlay_class"));
  const to = destination(a.world, vpc, ip.dst);
  if (!isHere(a, to)) return outcome(dropped("not_here"));
  return delivered(a, to, withMacs(a.frame, GATEWAY_MAC, to.port.mac), "route");
}

/** The port with the address, else the next hop of the route to it. */
function destination(world: World, vpc: Vpc, address: string): Place | undefined {
  if (world.gateway(vpc, address)) return undefined;
  const exact = world.byAddress(vpc, address);
  if (exact) return exact;
  const match = world.longestMatch(vpc, address);
  return match?.kind === "via" ? world.byAddress(vpc, match.next_hop) : undefined;
}

/** A network's VNI: switched as it is; a plain peer may also ask and use the gateway. */
function fromNetwork(a: Arrived, network: At<Network>, vpc: Vpc): Outcome {
  const { eth, arp, ip } = a.p;
  const plain = a.sender.kind === "vxlan-peer";
  if (arp) return plain ? askedByPeer(a, network, vpc) : outcome(dropped("overlay_class"));
  if (isGroup(eth.dst)) return outcome(dropped("overlay_class"));
  if (plain && eth.dst === GATEWAY_MAC) return routedForPeer(a, vpc, ip!);
  const to = a.world.byMac(network, eth.dst);
  return isHere(a, to) ? delivered(a, to, a.frame, "switch") : outcome(dropped("not_here"));
}

/** A peer's ARP request is answered for the ports of this host and the gateway, back through the tunnel. */
function askedByPeer(a: Arrived, network: Network, vpc: Vpc): Outcome {
  const arp = a.p.arp!;
  const owner = a.world.byAddress(vpc, arp.target_ip);
  const local = isHere(a, owner) && owner.network.id === network.id ? owner.port.mac : undefined;
  const mac = arp.target_ip === network.gateway ? GATEWAY_MAC : local;
  if (arp.op !== 1 || mac === undefined) return outcome(dropped("overlay_class"));
  const frame = encapsulate(arpReply(a.frame, mac), { from: a.here, to: a.sender, vni: a.vni });
  return outcome({ kind: "answered", frame }, ["resolve"]);
}

/** What a peer sends to the gateway's MAC is routed to ports of this host, never on to another. */
function routedForPeer(a: Arrived, vpc: Vpc, ip: packet.Ipv4): Outcome {
  const to = destination(a.world, vpc, ip.dst);
  if (!isHere(a, to)) return outcome(dropped("not_here"));
  if (ip.ttl <= 1) return outcome(dropped("ttl"));
  return delivered(a, to, routed(a.frame, GATEWAY_MAC, to.port.mac), "route");
}
