import { type DropReason, type Intent, packet } from "@onehop/core";
import type { Verdict } from "@onehop/datapath/harness";
import {
  type Known,
  type Conditions as ModelConditions,
  type Outcome,
  predict,
  predictWire,
  SOURCE_PORTS,
  type Wire,
} from "@onehop/model";
import type { Region } from "./region.ts";
import type { Case } from "./scene.ts";

/** What one host should have done with a frame; fields that are missing are not looked at. */
interface Expected {
  readonly action: Verdict["action"];
  readonly reason: DropReason | "none";
  readonly class?: string;
  readonly port?: string;
  readonly host?: number;
  readonly differences: (got: Uint8Array) => readonly string[];
}

/** What the model goes by besides Intent. */
export type Conditions = Required<ModelConditions>;

/** A packet's way: what should have become of it, what each host did, and where the two differ. */
export interface Walk {
  /** With the whole path, and the end that it came to. */
  readonly outcome: Outcome;
  /** By the hosts in order. */
  readonly hops: readonly Hop[];
  /** None: nowhere. */
  readonly lines: readonly string[];
}
export interface Hop {
  readonly host: string;
  readonly got: Verdict;
}

/** Puts the case through the model and the programs, host to host. */
export function compare(intent: Intent, region: Region, c: Case, conditions: Conditions): Walk {
  const { known } = conditions;
  const outcome =
    c.at === "uplink" ? predictWire(intent, c.host, c.frame, known) : predict(intent, c.port, c.frame, conditions);
  const host = c.at === "uplink" ? c.host : intent.ports.get(c.port)?.host_id;
  if (host === undefined) throw new RangeError("the port is not bound");
  const got = c.at === "uplink" ? region.receive(host, c.frame) : region.send(host, c.port, c.frame);
  const want = expected(intent, outcome, { frame: c.frame, got, at: c.at });
  const lines = judged(region, host, want, got);
  return lines.length > 0
    ? { outcome, hops: [{ host, got }], lines }
    : followed({ intent, region, known }, outcome, { host, got });
}

interface Place {
  readonly intent: Intent;
  readonly region: Region;
  readonly known: Known;
}

/** What really left a host goes into the next one. */
function followed({ intent, region, known }: Place, first: Outcome, start: Hop): Walk {
  const hops = [start];
  const path = [...first.path];
  let result = first.result;
  for (let last = start; last.got.action === "host"; ) {
    const next = [...intent.hosts.values()].find((h) => h.number === last.got.host);
    if (next?.kind !== "onehop") break;
    const outcome = predictWire(intent, next.id, last.got.frame, known);
    const got = region.receive(next.id, last.got.frame);
    const want = expected(intent, outcome, { frame: last.got.frame, got, at: "uplink" });
    const lines = judged(region, next.id, want, got).map((line) => `at ${next.name}: ${line}`);
    path.push(...outcome.path.filter((step) => step === "relay"));
    result = outcome.result;
    last = { host: next.id, got };
    hops.push(last);
    if (lines.length > 0) return { outcome: { ...first, path, result }, hops, lines };
  }
  return { outcome: { ...first, path, result }, hops, lines: [] };
}

interface Ran {
  /** As it came. */
  readonly frame: Uint8Array;
  readonly got: Verdict;
  readonly at: Case["at"];
}

function expected(intent: Intent, outcome: Outcome, { frame, got, at }: Ran): Expected {
  const { wire, or = [], result } = outcome;
  const shown = at === "guest" ? { class: outcome.class } : {};
  if (wire) return { ...leaving(intent, [wire, ...or], got), ...shown };
  if (at === "guest" || result.kind !== "answered") return { ...local(outcome, frame), ...shown };
  return { action: "reply", reason: "none", differences: (reply) => tunnelDifferences(result.frame, reply) };
}

/** Which hub it is, where there are several, is the host's to choose. */
function leaving(intent: Intent, wires: readonly [Wire, ...Wire[]], got: Verdict): Expected {
  const numberOf = ({ to_host }: Wire) => intent.hosts.get(to_host)!.number;
  const chosen = wires.find((wire) => numberOf(wire) === got.host) ?? wires[0];
  return {
    action: "host",
    reason: "none",
    host: numberOf(chosen),
    differences: (frame) => tunnelDifferences(chosen.frame, frame),
  };
}

/** Ends at this host. Dropped packets come out of the program as they went in. */
function local({ result }: Outcome, before: Uint8Array): Expected {
  const same = (want: Uint8Array) => (got: Uint8Array) => packet.diffFrames(want, got);
  switch (result.kind) {
    case "left":
      return { action: "stack", reason: "none", differences: same(before) };
    case "delivered":
      return { action: "guest", reason: "none", port: result.port, differences: same(result.frame) };
    case "answered":
      return { action: "reply", reason: "none", differences: same(result.frame) };
    case "dropped": {
      const { reason, answer } = result;
      if (!answer) return { action: "drop", reason, differences: same(before) };
      return { action: "reply", reason, differences: (got) => packet.diffFrames(asFree(answer, got), got) };
    }
  }
}

function judged(region: Region, hostId: string, want: Expected, got: Verdict): string[] {
  const lines: string[] = [];
  const check = (name: string, expected: unknown, have: unknown) => {
    if (expected !== undefined && expected !== have) lines.push(`${name}: expected ${expected}, got ${have}`);
  };
  check("action", want.action, got.action);
  check("reason", want.reason, got.reason);
  check("class", want.class, got.class);
  if (want.port !== undefined) check("port", want.port, region.portAt(hostId, got.slot));
  check("host", want.host, got.host);
  return want.action === got.action ? [...lines, ...want.differences(got.frame)] : lines;
}

/** The outer Ethernet header is the kernel's to write; the source port may be any of its range. */
function tunnelDifferences(want: Uint8Array, got: Uint8Array): string[] {
  const SPORT = 14 + 20;
  const copy = want.slice();
  copy.set(got.subarray(0, 12), 0);
  const sport = got.length > SPORT + 1 ? packet.u16(got, SPORT) : 0;
  const inRange = sport >= SOURCE_PORTS.first && sport <= SOURCE_PORTS.last;
  if (inRange) packet.put16(copy, SPORT, sport);
  return packet.diffFrames(copy, got);
}

/**
 * ICMP errors may quote from the header and 8 bytes up to 576 bytes in all (RFC 792, RFC 1812 section 4.3.2.3), and may
 * forbid to be fragmented or not.
 */
function asFree(answer: Uint8Array, got: Uint8Array): Uint8Array {
  const HEADERS = 14 + 20 + 8;
  const quote = answer.subarray(HEADERS);
  const least = Math.min(quote.length, (quote[0]! & 15) * 4 + 8);
  const length = got.length - HEADERS;
  if (length < least || length > quote.length) return answer;
  const [eth, ip, icmp] = packet.decode(answer) as [packet.Eth, packet.Ipv4, packet.Icmp];
  const again = { length: undefined, checksum: undefined, df: (got[20]! & 0x40) !== 0 };
  return packet.frame(eth, { ...ip, ...again }, { ...icmp, checksum: undefined }, quote.subarray(0, length));
}
