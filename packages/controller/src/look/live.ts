import type { Clock } from "@onehop/core";
import {
  DROP_REASONS,
  type LiveHost,
  type LiveTrace,
  OnehopError,
  packet,
  type SeenPacket,
  type TraceAnswer,
  type TraceDecision,
  type TraceHost,
  type TraceObject,
} from "@onehop/core";
import type { Agents, RemoteWatch } from "./agents.ts";
import type { Names } from "./names.ts";
import type { Imagined } from "./packets.ts";

/** How long a packet may take to get where it goes. */
const PATIENCE_MS = 1000;
/** Hosts tell what they saw a little later or earlier than others. */
const GRACE_MS = 200;
/** What no other host sees any more. */
const ENDS: ReadonlySet<string> = new Set(["guest", "drop", "reply"]);
const LIMITS = { seconds: 10, packets: 64, bytes: 1 << 18, snap: 512 };

export interface LiveOptions {
  readonly agents: Agents;
  readonly names: Names;
  readonly clock: Clock;
}

interface Sighting {
  readonly host: TraceObject;
  readonly seen: SeenPacket;
}

/** Sends the packet that was predicted, and tells what every host concerned did with it. */
export async function sendLive(
  about: Imagined,
  frame: Uint8Array,
  predicted: TraceAnswer,
  options: LiveOptions,
): Promise<LiveTrace> {
  const hosts = hostsOf(about, predicted, options.names);
  const sightings: Sighting[] = [];
  const watches: RemoteWatch[] = [];
  const blind: TraceObject[] = [];
  let settle: () => void = () => undefined;
  const settled = new Promise<void>((resolve) => {
    settle = resolve;
  });
  const onSeen = (host: TraceObject) => (packets: readonly SeenPacket[]) => {
    for (const seen of packets) sightings.push({ host, seen });
    if (!sightings.some(({ seen }) => ENDS.has(seen.action))) return;
    const awaited = predicted.hosts.filter((h) => !blind.some((b) => b.id === h.host.id));
    if (awaited.every((h) => sightings.some((s) => s.host.id === h.host.id))) settle();
    else options.clock.after(GRACE_MS, settle);
  };
  try {
    for (const host of hosts) {
      const watch = await watchOn(host, about, { ...options, onSeen: onSeen(host) });
      if (watch) watches.push(watch);
      else blind.push(host);
    }
    const began = Date.now();
    await options.agents.ask(about.port.host_id!, { what: "inject", port_id: about.port.id, frame: base64(frame) });
    const cancel = options.clock.after(PATIENCE_MS, settle);
    await settled;
    cancel();
    sightings.sort((a, b) => a.seen.time - b.seen.time);
    return told(sightings, { predicted, blind, began, names: options.names });
  } finally {
    for (const watch of watches) watch.stop();
  }
}

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64");

/** Those of the prediction, the one where the receiver should be, and the VPC's hubs: another may be chosen. */
function hostsOf({ port, address }: Imagined, { hosts }: TraceAnswer, names: Names): TraceObject[] {
  const receiver = names.host(names.portByAddress(port.vpc_id, address)?.host_id);
  const entries = hosts[0]?.stages.flatMap((stage) => stage.entries) ?? [];
  const hubs = entries.flatMap(({ table, value }) => (table === "vpc_rules" ? [value?.hubs ?? []].flat() : []));
  const others = hubs.map((number) => names.host(names.hostByNumber(Number(number))?.id));
  const all = [...hosts.map((h) => h.host), receiver, ...others].filter((h) => h !== undefined);
  return [...new Map(all.map((h) => [h.id, h])).values()];
}

interface WatchOptions extends LiveOptions {
  readonly onSeen: (packets: readonly SeenPacket[]) => void;
}

/** Undefined where the host does not answer. */
async function watchOn(host: TraceObject, about: Imagined, options: WatchOptions): Promise<RemoteWatch | undefined> {
  const { port, address, protocol, id } = about;
  const isArp = protocol === "arp";
  const vpc = options.names.intent.vpcs.get(port.vpc_id)?.vni ?? 0;
  const want = {
    kind: "decisions",
    vpc,
    src: port.addresses[0] ?? "",
    dst: address,
    ethertype: isArp ? 0x0806 : 0x0800,
    id: isArp ? 0 : id,
  } as const;
  try {
    return await options.agents.watch(host.id, {
      want,
      limits: LIMITS,
      onPart: ({ packets }) => options.onSeen(packets),
    });
  } catch (error) {
    if (error instanceof OnehopError && error.detail.status === 503) return undefined;
    throw error;
  }
}

interface Telling {
  readonly predicted: TraceAnswer;
  readonly blind: readonly TraceObject[];
  /** Milliseconds since the epoch. */
  readonly began: number;
  readonly names: Names;
}

function told(sightings: readonly Sighting[], { predicted, blind, names }: Telling): LiveTrace {
  const first = sightings[0]?.seen.time ?? 0;
  const hosts = sightings.map(
    ({ host, seen }): LiveHost => ({
      host,
      program: seen.program,
      decision: decided(seen, names),
      after_ms: (seen.time - first) / 1000,
    }),
  );
  return { hosts, differences: differencesOf(predicted.hosts, hosts, blind) };
}

function decided(seen: SeenPacket, names: Names): TraceDecision {
  const { action, reason } = seen;
  const told = reason ? { reason, ...DROP_REASONS[reason] } : {};
  return { action, words: wordsOf(seen, names), ...told };
}

function wordsOf({ action, reason, stage, to_port, to_host, frame, program }: SeenPacket, names: Names): string {
  if (reason) return `dropped in ${stage}: ${DROP_REASONS[reason].title}`;
  if (action === "guest") return `delivered to port ${names.port(to_port)?.name ?? to_port}`;
  if (action === "host") return `${wayOf(program)} ${names.hostByNumber(to_host ?? 0)?.name ?? to_host}`;
  if (action === "reply") return `answered: ${packet.describe(Uint8Array.from(Buffer.from(frame, "base64")))}`;
  return action === "stack" ? "left to the host's own network stack" : action;
}

/** What came out of a tunnel and goes into another is passed on. */
const wayOf = (program: SeenPacket["program"]): string =>
  program === "from_uplink" ? "passed on to host" : "encapsulated to host";

/** Sentences on where what was seen is not what was predicted. */
export function differencesOf(
  predicted: readonly TraceHost[],
  seen: readonly LiveHost[],
  blind: readonly TraceObject[],
): string[] {
  const differences = blind.map((h) => `Host ${h.name} was not watched: its agent does not answer.`);
  let before: TraceObject | undefined;
  let isEnded = false; // what was dropped on one host is nowhere lost after it
  for (const { host, decision } of predicted) {
    const lived = seen.find((s) => s.host.id === host.id);
    if (!lived && !isEnded && !blind.some((b) => b.id === host.id)) differences.push(missing(host, before));
    if (lived && decision.action !== "unknown" && !isSame(lived.decision, decision))
      differences.push(
        `On host ${host.name} it was predicted to be ${decision.words}; it was ${bare(lived.decision.words)}.`,
      );
    isEnded ||= lived?.decision.action === "drop";
    before = host;
  }
  for (const { host, decision } of seen)
    if (!predicted.some((p) => p.host.id === host.id))
      differences.push(`Host ${host.name} was not to get it, and it was ${bare(decision.words)} there.`);
  return differences;
}

const bare = (words: string): string => words.replace(/\.$/, "");

const isSame = (a: TraceDecision, b: TraceDecision): boolean => a.action === b.action && a.reason === b.reason;

const missing = (host: TraceObject, before: TraceObject | undefined): string =>
  before
    ? `Host ${host.name} has not got it: it was lost in the underlay after host ${before.name}. Look at routes, filters and the MTU between the two.`
    : `Host ${host.name} has not seen it: the port's device does not bring it to the programs.`;
