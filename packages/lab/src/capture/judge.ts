import { GATEWAY_MAC, type packet } from "@onehop/core";
import { type FirstPackets, type Learns, splitFirst } from "./first_packets.ts";
import type { Seen } from "./sniffer.ts";

/** One end of a flow, and where it is. */
export interface End {
  readonly address: string;
  readonly host: string;
  readonly tunnel: string;
}

/** What was sent while the wire was listened to, and what must be true of it. */
export interface Flow {
  readonly from: End;
  readonly to: End;
  /** Of the VPC where routed, of the network where not (architecture.md section 3). */
  readonly vni: number;
  readonly routed: boolean;
  /** In every echo request, and so in every reply. */
  readonly marker: string;
  /** Echo requests sent. */
  readonly sent: number;
  /** Where the two hosts were not told of each other, and none of this was sent before. */
  readonly learns?: Learns;
}

export interface Verdict {
  /**
   * Encapsulations of each echo request on its way, counted where it enters the fabric: 1 is one hop, 2 a detour. Of a
   * flow that learns, those after the first.
   */
  readonly encapsulations: number;
  /** Of a flow that learns. */
  readonly first?: FirstPackets;
  /** What is not as it must be, one sentence each. */
  readonly problems: readonly string[];
}

/** The TTL that guests send with (Linux's default). */
const GUEST_TTL = 64;

/** Judges all packets seen in the fabric's namespace during one flow. */
export function judge(flow: Flow, seen: readonly Seen[]): Verdict {
  const entering = seen.filter((s) => s.direction === "in");
  const { first, rest } = splitFirst(flow, entering);
  const problems = new Set<string>(first?.problems);
  for (const s of rest) for (const problem of problemsOf(flow, s.layers)) problems.add(problem);
  for (const s of entering) if (!rest.includes(s)) for (const p of tunnelledProblems(flow, s.layers)) problems.add(p);
  const requests = rest.filter((s) => isEchoRequest(s.layers) && hasMarker(s, flow.marker));
  const total = requests.reduce((sum, s) => sum + depth(s.layers), 0);
  const sent = Math.max(0, flow.sent - (flow.learns?.there ? 1 : 0));
  const encapsulations = sent === 0 ? 0 : total / sent;
  const expected = flow.from.host === flow.to.host ? 0 : 1;
  if (encapsulations !== expected)
    problems.add(`${total} encapsulations were seen for ${sent} packets, not ${expected} each`);
  return { encapsulations, ...(first && { first }), problems: [...problems] };
}

function problemsOf(flow: Flow, layers: readonly packet.Layer[]): string[] {
  if (depth(layers) === 0) return isUnderlays(layers) ? [] : [`a packet was on the wire as it is: ${describe(layers)}`];
  if (flow.from.host === flow.to.host) return [`same-host traffic was on the wire: ${describe(layers)}`];
  return [...outerProblems(flow, layers), ...tunnelledProblems(flow, layers)];
}

function outerProblems(flow: Flow, layers: readonly packet.Layer[]): string[] {
  const [outer] = layers.filter((l) => l.kind === "ipv4");
  const path = `${outer?.src} to ${outer?.dst}`;
  const paths = [`${flow.from.tunnel} to ${flow.to.tunnel}`, `${flow.to.tunnel} to ${flow.from.tunnel}`];
  return paths.includes(path) ? [] : [`an encapsulated packet went from ${path}, not between the two hosts`];
}

/** Of every encapsulated packet, whichever way it took. */
function tunnelledProblems(flow: Flow, layers: readonly packet.Layer[]): string[] {
  const vxlan = layers.find((l) => l.kind === "vxlan");
  return [
    ...(depth(layers) > 1 ? ["a packet was encapsulated twice"] : []),
    ...(vxlan?.vni === flow.vni ? [] : [`a packet had VNI ${vxlan?.vni}, not ${flow.vni}`]),
    ...innerProblems(flow, layers),
  ];
}

function innerProblems(flow: Flow, layers: readonly packet.Layer[]): string[] {
  const inner = layers.slice(layers.findLastIndex((l) => l.kind === "vxlan") + 1);
  const ip = inner.find((l) => l.kind === "ipv4");
  const eth = inner.find((l) => l.kind === "eth");
  if (!ip || !eth) return [`something other than IPv4 was encapsulated: ${describe(inner)}`];
  const ends = [flow.from.address, flow.to.address];
  const ttl = flow.routed ? GUEST_TTL - 1 : GUEST_TTL;
  return [
    ...(ends.includes(ip.src) && ends.includes(ip.dst)
      ? []
      : [`a packet of others was encapsulated: ${describe(inner)}`]),
    ...(ip.ttl === ttl ? [] : [`the inner TTL was ${ip.ttl}, not ${ttl}`]),
    ...(eth.src === GATEWAY_MAC ? ["the gateway's MAC was a source on the wire"] : []),
  ];
}

export const depth = (layers: readonly packet.Layer[]): number => layers.filter((l) => l.kind === "vxlan").length;

const isEchoRequest = (layers: readonly packet.Layer[]): boolean =>
  layers.some((l) => l.kind === "icmp" && l.type === 8);

/** Markers are plain text, so that they are found at any depth, whatever the headers before them. */
export const hasMarker = (seen: Seen, marker: string): boolean => Buffer.from(seen.bytes).includes(marker);

/** Links' and tunnels' own addresses: ARP between host and router, and the fence that ends a capture. */
function isUnderlays(layers: readonly packet.Layer[]): boolean {
  const own = (address: string): boolean => address.startsWith("198.18.") || address.startsWith("192.0.2.");
  return layers.some((l) => (l.kind === "ipv4" && own(l.src) && own(l.dst)) || (l.kind === "arp" && own(l.target_ip)));
}

const describe = (layers: readonly packet.Layer[]): string => layers.map(describeLayer).join(" / ");
function describeLayer(layer: packet.Layer): string {
  if (layer.kind === "ipv4") return `IPv4 ${layer.src} to ${layer.dst}`;
  if (layer.kind === "arp") return `ARP for ${layer.target_ip}`;
  return layer.kind;
}
