import { formatMac, packet } from "@onehop/core";
import type { Lab } from "@onehop/lab";
import type { Seen } from "@onehop/lab/capture/sniffer";
import { listenToWire } from "@onehop/lab/capture/wire";

/** An encapsulated packet as it came from a host into the routed underlay. */
export interface Encapsulated {
  /** The outer IPv4 packet, as long as it was captured. */
  readonly bytes: Uint8Array;
  readonly outer: packet.Ipv4;
  readonly udp: packet.Udp;
  readonly vxlan: packet.Vxlan;
  /** From the inner Ethernet header on. */
  readonly inner: readonly packet.Layer[];
  /** MAC that sent the outer frame. */
  readonly sender: string;
}

/** Bytes of Linux's cooked header v2 before the packet, and where the sender's MAC is in it. */
const COOKED = 20;
const COOKED_SENDER = 12;

/** What hosts put on the wire while `traffic` ran, each packet once. */
export interface Heard {
  readonly encapsulated: readonly Encapsulated[];
  /** Neither encapsulated nor between addresses of the underlay itself: never anything. */
  readonly strange: readonly Seen[];
}

export async function listen(lab: Lab, traffic: () => Promise<unknown>): Promise<Heard> {
  const seen = await listenToWire(lab.fabric, async () => {
    await traffic();
  });
  const entering = seen.filter((s) => s.direction === "in");
  const isTunnel = (s: Seen): boolean => s.layers.some((l) => l.kind === "vxlan");
  return {
    encapsulated: entering.filter(isTunnel).map(read),
    strange: entering.filter((s) => !isTunnel(s) && !isUnderlays(s)),
  };
}

/** Links' and tunnels' own addresses (the lab's plan). */
function isUnderlays({ layers: [first] }: Seen): boolean {
  const own = (address: string): boolean => /^(198\.18|192\.0\.2)\./.test(address);
  if (first?.kind === "arp") return own(first.sender_ip) && own(first.target_ip);
  return first?.kind === "ipv4" && own(first.src) && own(first.dst);
}

const read = ({ layers, bytes }: Seen): Encapsulated =>
  encapsulated(layers, bytes.subarray(COOKED), formatMac(bytes.subarray(COOKED_SENDER, COOKED_SENDER + 6)));

/** A whole frame from the wire. */
export function readFrame(frame: Uint8Array): Encapsulated {
  const [eth, ...layers] = packet.decode(frame);
  return encapsulated(layers, frame.subarray(14), eth?.kind === "eth" ? eth.src : "");
}

function encapsulated(layers: readonly packet.Layer[], bytes: Uint8Array, sender: string): Encapsulated {
  const [outer, udp, vxlan, ...inner] = layers;
  if (outer?.kind !== "ipv4" || udp?.kind !== "udp" || vxlan?.kind !== "vxlan")
    throw new Error(`not one VXLAN header over UDP over IPv4: ${layers.map((l) => l.kind).join(" ")}`);
  return { bytes, outer, udp, vxlan, inner, sender };
}

/** A layer of a packet by its kind; throws where there is none. */
export function layer<K extends packet.Kind>(layers: readonly packet.Layer[], kind: K) {
  const found = layers.find((l) => l.kind === kind);
  if (!found) throw new Error(`no ${kind} in ${layers.map((l) => l.kind).join(" ")}`);
  return found as Extract<packet.Layer, { kind: K }>;
}

/** First outer source port (RFC 6335: dynamic ports, as RFC 7348 section 5 recommends). */
export const FIRST_SOURCE_PORT = 49152;

/** Everything about the frame that the wire must show, beside the outer source port: RFC 7348 with nothing reserved set. */
export function onWire(hosts: { from: string; to: string }, vni: number, inner: Uint8Array) {
  const outer = packet.ipv4({ src: hosts.from, dst: hosts.to, ttl: 64, df: true, id: 0 });
  return (e: Encapsulated): string[] => {
    const udp = packet.udp({ sport: e.udp.sport, dport: packet.VXLAN_PORT, checksum: 0 });
    const eth = packet.eth({ src: "00:00:00:00:00:00", dst: "00:00:00:00:00:00" });
    const expected = packet.frame(eth, outer, udp, packet.vxlan({ vni }), inner);
    const got = packet.concat([expected.subarray(0, 14), e.bytes]);
    const odd = e.udp.sport < FIRST_SOURCE_PORT ? [`udp.sport: ${e.udp.sport} is below ${FIRST_SOURCE_PORT}`] : [];
    return [...packet.diffFrames(expected, got), ...odd];
  };
}
