import type { FirstPackets, Learns } from "../capture/first_packets.ts";
import { type Flow, judge, type Verdict } from "../capture/judge.ts";
import { listenToWire } from "../capture/wire.ts";
import type { FabricPlan } from "../fabric/plan.ts";
import type { Guest } from "../guests.ts";
import { type PingResult, ping } from "../traffic/ping.ts";
import { tcpThroughput } from "../traffic/tcp.ts";
import type { Case, Pair } from "./cases.ts";
import { messageOf } from "./result.ts";

/** One line of the result: a pair of guests, measured and judged. */
export interface Row {
  /** Project and port, e.g. `blue/web-1`. */
  readonly from: string;
  readonly to: string;
  readonly case: Case;
  /** Hosts of the two. */
  readonly path: string;
  /** Mean of the echoes; null where one was lost. */
  readonly rtt_us: number | null;
  readonly tcp_gbps: number | null;
  /**
   * Per packet, from a capture on the routed links; null where nothing could be judged. Of a pair that is learned,
   * those after the first packet.
   */
  readonly encapsulations: number | null;
  /** Of a pair whose hosts were not told of each other: what its first packet did. Else null. */
  readonly first_packet: FirstPacket | null;
  readonly ok: boolean;
  readonly problems: readonly string[];
}

export interface FirstPacket {
  readonly encapsulations: number;
  /** The hub that it went by, by name. */
  readonly hub: string | null;
}

/** Where pairs are, and what else is there. */
export interface Place {
  readonly fabric: FabricPlan;
  readonly guests: readonly Guest[];
}

const PINGS = 20;
const PROOF_BYTES = 512 * 1024;

/** Sends echoes and a little TCP while the wire is listened to, then measures TCP alone. */
export async function measureRow(pair: Pair, place: Place, number: number): Promise<Row> {
  const { from, to } = pair;
  const address = to.addresses[0]!;
  const marker = `row ${String(number).padStart(4, "0")}.`;
  const problems: string[] = [];
  let echoes: PingResult | undefined;
  let verdict: Verdict | undefined;
  let tcp: number | undefined;
  try {
    const seen = await listenToWire(place.fabric, async () => {
      echoes = await ping({ namespace: from.namespace, to: address, count: PINGS, marker });
      if (echoes.received > 0)
        await tcpThroughput({ from: from.namespace, to: to.namespace, address, bytes: PROOF_BYTES });
    });
    verdict = judge(flowOf(pair, place, { marker, sent: echoes?.sent ?? 0 }), seen);
    problems.push(...verdict.problems, ...echoProblems(pair, echoes));
    if (echoes?.received) tcp = await tcpThroughput({ from: from.namespace, to: to.namespace, address, seconds: 1 });
    if (tcp === undefined) problems.push("no TCP connection came about");
  } catch (error) {
    problems.push(messageOf(error));
  }
  return {
    from: `${from.project}/${from.port}`,
    to: `${to.project}/${to.port}`,
    case: pair.case,
    path: from.host === to.host ? from.host : `${from.host} → ${to.host}`,
    rtt_us: echoes?.rttUs ?? null,
    tcp_gbps: tcp === undefined ? null : Math.round(tcp / 1e7) / 100,
    encapsulations: verdict?.encapsulations ?? null,
    first_packet: verdict?.first ? firstPacketOf(verdict.first, place.fabric) : null,
    ok: problems.length === 0,
    problems,
  };
}

const firstPacketOf = ({ encapsulations, hub }: FirstPackets, fabric: FabricPlan): FirstPacket => ({
  encapsulations,
  hub: fabric.hosts.find((h) => h.tunnelAddress === hub)?.name ?? null,
});

function flowOf(pair: Pair, place: Place, sent: Pick<Flow, "marker" | "sent">): Flow {
  const { from, to, case: kind } = pair;
  const tunnelOf = (host: string): string => place.fabric.hosts.find((h) => h.name === host)!.tunnelAddress;
  const routed = kind.startsWith("routed");
  const learns = learnsOf(pair, place);
  return {
    from: { address: from.addresses[0]!, host: from.host, tunnel: tunnelOf(from.host) },
    to: { address: to.addresses[0]!, host: to.host, tunnel: tunnelOf(to.host) },
    vni: routed ? from.vpc_vni : from.network_vni,
    routed,
    ...(learns && { learns }),
    ...sent,
  };
}

/** With two hubs a host is told of the networks that it has ports in, and learns the rest; a hub is told of all. */
export function learnsOf({ from, to }: Pair, { fabric, guests }: Place): Learns | undefined {
  const hubs = fabric.hosts.filter((h) => h.role === "hub");
  const isTold = (host: string, of: Guest): boolean =>
    hubs.some((h) => h.name === host) || guests.some((g) => g.host === host && g.network_id === of.network_id);
  const there = !isTold(from.host, to);
  const back = !isTold(to.host, from);
  if (hubs.length < 2 || !(there || back)) return undefined;
  return { there, back, hubs: hubs.map((h) => h.tunnelAddress) };
}

/** A routed packet lost one from its TTL, on the wire or not; a switched one nothing. */
function echoProblems(pair: Pair, echoes: PingResult | undefined): string[] {
  if (!echoes || echoes.sent === 0) return ["no echo could be sent"];
  if (echoes.received < echoes.sent) return [`${echoes.sent - echoes.received} of ${echoes.sent} echoes were lost`];
  const ttl = pair.case.startsWith("routed") ? 63 : 64;
  return echoes.ttls.every((t) => t === ttl) ? [] : [`replies had TTL ${echoes.ttls.join(", ")}, not ${ttl}`];
}
