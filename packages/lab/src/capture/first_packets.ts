import { packet } from "@onehop/core";
import type { Flow } from "./judge.ts";
import type { Seen } from "./sniffer.ts";

/** Of a flow whose ends' hosts were not told of each other: which directions begin at a hub (docs/learning.md). */
export interface Learns {
  readonly there: boolean;
  readonly back: boolean;
  /** Tunnel addresses of all hubs. */
  readonly hubs: readonly string[];
}

/** What a flow's first packet each way did, each judged here and left out of what all others must do. */
export interface FirstPackets {
  /** Of the first echo request. */
  readonly encapsulations: number;
  /** The tunnel address of the hub that it went by. */
  readonly hub: string | undefined;
  readonly problems: readonly string[];
}

export interface Split {
  readonly first: FirstPackets | undefined;
  readonly rest: readonly Seen[];
}

const REQUEST = 8;
const REPLY = 0;
/** The last byte of the VXLAN header, of what a host gives to a hub, and of what a hub passed on once. */
const MARKS = [0x80, 0x81];

/** Tells the first packet of each direction that learns from those that come after it. */
export function splitFirst(flow: Flow, entering: readonly Seen[]): Split {
  const { learns, from, to } = flow;
  if (!learns) return { first: undefined, rest: entering };
  const there = learns.there ? firstOf(flow, entering, REQUEST) : [];
  const back = learns.back ? firstOf(flow, entering, REPLY) : [];
  const hub = outerOf(there[0])?.dst;
  const problems = [
    ...(learns.there ? byHub(there, [from.tunnel, to.tunnel], learns) : []),
    ...(learns.back ? byHub(back, [to.tunnel, from.tunnel], learns) : []),
    ...askedOnce(entering, learns, [from.tunnel, to.tunnel]),
  ];
  const rest = entering.filter((s) => !there.includes(s) && !back.includes(s));
  return { first: { encapsulations: there.length, hub, problems }, rest };
}

/** Everywhere that it entered the fabric, in order. */
function firstOf(flow: Flow, entering: readonly Seen[], type: number): Seen[] {
  const echoes = entering.flatMap((seen) => {
    const echo = seen.layers.find((l) => l.kind === "icmp");
    return echo?.type === type && Buffer.from(seen.bytes).includes(flow.marker) ? [{ seen, seq: echo.seq }] : [];
  });
  const first = Math.min(...echoes.map((e) => e.seq));
  return echoes.filter((e) => e.seq === first).map((e) => e.seen);
}

function byHub(hops: readonly Seen[], [from, to]: readonly [string, string], { hubs }: Learns): string[] {
  if (hops.length === 0) return ["no first packet was seen on the wire"];
  const path = [...hops.map((s) => outerOf(s)?.src), outerOf(hops.at(-1))?.dst];
  const [first, hub, last] = path;
  const isByHub = path.length === 3 && first === from && last === to && hubs.includes(hub ?? "");
  if (!isByHub) return [`the first packet went ${path.join(" to ")}, not from ${from} by a hub to ${to}`];
  const marks = hops.map((s) => s.layers.find((l) => l.kind === "vxlan")?.reserved2);
  return marks.every((mark, i) => mark === MARKS[i]) ? [] : [`packets by a hub were marked ${marks.join(", ")}`];
}

/** One question goes beside each first packet, and none to a hub after it. Probes name no address. */
function askedOnce(entering: readonly Seen[], learns: Learns, ends: readonly string[]): string[] {
  const asked = entering.filter((s) => {
    const outer = outerOf(s);
    const message = messageOf(s);
    const isAsk = message?.kind === "ask" && message.address !== undefined;
    return isAsk && ends.includes(outer?.src ?? "") && learns.hubs.includes(outer?.dst ?? "");
  }).length;
  const expected = Number(learns.there) + Number(learns.back);
  return asked === expected ? [] : [`hubs were asked ${asked} times, not ${expected}`];
}

function messageOf({ layers }: Seen): packet.LearningMessage | undefined {
  const at = layers.findIndex((l) => l.kind === "udp" && l.dport === packet.LEARNING_PORT);
  const data = layers[at + 1];
  return at >= 0 && data?.kind === "payload" ? packet.decodeMessage(data.data) : undefined;
}

const outerOf = (seen: Seen | undefined): packet.Ipv4 | undefined => seen?.layers.find((l) => l.kind === "ipv4");
