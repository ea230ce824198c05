import { type DropReason, type Intent, packet } from "@onehop/core";
import type { Verdict } from "@onehop/datapath/harness";
import { type Outcome, predict, predictWire, SOURCE_PORTS } from "@onehop/model";
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

/** Puts the case through the model and the programs, host to host. Lines say where they differ; none: nowhere. */
export function compare(intent: Intent, region: Region, c: Case, mtu: number): { outcome: Outcome; lines: string[] } {
  if (c.at === "uplink") {
    const outcome = predictWire(intent, c.host, c.frame);
    return { outcome, lines: judged(region, c.host, atReceiver(outcome, c.frame), region.receive(c.host, c.frame)) };
  }
  const hostId = intent.ports.get(c.port)?.host_id;
  if (hostId === undefined) throw new RangeError(`port ${c.port} is not bound`);
  const outcome = predict(intent, c.port, c.frame, mtu);
  const sent = region.send(hostId, c.port, c.frame);
  const lines = judged(region, hostId, atSender(intent, outcome, c.frame), sent);
  const { wire } = outcome;
  const next = wire && intent.hosts.get(wire.to_host);
  if (lines.length > 0 || next?.kind !== "onehop") return { outcome, lines };
  // What really left the sender's host goes into the receiver's.
  const received = region.receive(next.id, sent.frame);
  const further = judged(region, next.id, atReceiver(outcome, sent.frame), received);
  return { outcome, lines: further.map((line) => `at ${next.name}: ${line}`) };
}

function atSender(intent: Intent, outcome: Outcome, sent: Uint8Array): Expected {
  const { wire } = outcome;
  if (!wire) return { ...local(outcome, sent), class: outcome.class };
  const host = intent.hosts.get(wire.to_host)!.number;
  return {
    action: "host",
    reason: "none",
    class: outcome.class,
    host,
    differences: (got) => tunnelDifferences(wire.frame, got),
  };
}

function atReceiver(outcome: Outcome, arrived: Uint8Array): Expected {
  if (outcome.result.kind !== "answered") return local(outcome, arrived);
  const { frame } = outcome.result;
  return { action: "reply", reason: "none", differences: (got) => tunnelDifferences(frame, got) };
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
