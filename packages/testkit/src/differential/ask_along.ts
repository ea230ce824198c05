import { type Intent, packet } from "@onehop/core";
import type { Asked, Verdict } from "@onehop/datapath/harness";
import { type Known, type Message, type Outcome, predictMessage, question, told } from "@onehop/model";
import type { Hop } from "./compare.ts";
import { KEY } from "./moments.ts";
import type { Region } from "./region.ts";

const { LEARNING_PORT, MESSAGE_LENGTH } = packet;
/** Outer Ethernet, IPv4 and UDP headers; bytes of the message that are described. */
const ENVELOPE = 42;
const DESCRIBED = 88;
/** What tc is told where the guest gets an error, and where nobody gets anything. */
const REDIRECT = 7;

export interface Asking {
  readonly intent: Intent;
  readonly region: Region;
  readonly known: Known;
  /** The port whose packet it was, and the packet. */
  readonly sender: string;
  readonly frame: Uint8Array;
}

export interface Answered {
  /** Each difference; none: all as it should be. */
  readonly lines: readonly string[];
  /** How each question ended: `teach`, `absent`, `unknown`, `alive`, `rejected`. */
  readonly ends: readonly string[];
}

/** The questions that went beside a packet: those that the model wants and no other, each to its end. */
export function askAlong(asking: Asking, outcome: Outcome, { host, got }: Hop): Answered {
  const { intent } = asking;
  const wanted = wantedOf(asking, outcome, got);
  if (wanted.length !== got.asked.length)
    return { lines: [`questions: expected ${wanted.length}, got ${got.asked.length}`], ends: [] };
  const lines: string[] = [];
  const ends: string[] = [];
  for (const [i, asked] of got.asked.entries()) {
    const { to_hosts, message } = wanted[i]!;
    const numbers = to_hosts.map((id) => intent.hosts.get(id)!.number);
    if (!numbers.includes(asked.host)) lines.push(`question to host: expected ${numbers}, got ${asked.host}`);
    lines.push(...messageDifferences(intent, host, { asked, message }));
    if (lines.length > 0) break;
    const end = carried(asking, host, asked);
    lines.push(...end.lines);
    ends.push(...end.ends);
  }
  return { lines, ends };
}

function wantedOf({ intent, sender }: Asking, { question: about, probe }: Outcome, got: Verdict) {
  const { vpc_id, host_id } = intent.ports.get(sender)!;
  const host = [...intent.hosts.values()].find((h) => h.number === (got.asked.at(-1)?.host ?? 0));
  const [vpc, asker] = [intent.vpcs.get(vpc_id)!, intent.hosts.get(host_id!)!];
  const probed = probe && host ? [{ to_hosts: [host.id], message: question(vpc, asker, {}) }] : [];
  return [...(about ? [about] : []), ...probed];
}

/** From host to host, until somebody has the answer. */
function carried(asking: Asking, asker: string, asked: Asked): Answered {
  const { intent, region, known } = asking;
  const idOf = (number: number) => [...intent.hosts.values()].find((h) => h.number === number)!.id;
  for (let [from, at, frame] = [asker, idOf(asked.host), asked.frame]; ; ) {
    const message = packet.decodeMessage(frame.subarray(ENVELOPE, ENVELOPE + MESSAGE_LENGTH));
    if (!message) return { lines: ["message: cannot be read"], ends: [] };
    const want = predictMessage(intent, { at, from, message, asked: idOf(asked.host) }, known);
    const got = region.receive(at, frame);
    const name = intent.hosts.get(at)!.name;
    if (want.kind === "rejected")
      return ended(`${name} rejects`, [got.action, got.reason], ["drop", "message"], "rejected");
    if (want.kind === "taken") {
      const kind = message.address === undefined ? "alive" : message.kind;
      const reason = kind === "unknown" ? ownDrop(asking, message) : "none";
      const end = ended(`${name} takes ${kind}`, [got.action, got.reason], ["learned", reason], kind);
      return kind === "unknown" ? { ...end, lines: [...end.lines, ...toldDifferences(asking, got)] } : end;
    }
    const next = intent.hosts.get(idOf(got.host || intent.hosts.get(from)!.number))!;
    const lines = [
      ...(got.action === "reply" ? [] : [`${name}: expected reply, got ${got.action} ${got.reason}`]),
      ...(want.to_hosts.includes(next.id) ? [] : [`${name} sends to ${next.name}, expected ${want.to_hosts}`]),
    ];
    if (lines.length === 0)
      lines.push(
        ...messageDifferences(intent, at, { asked: { host: got.host, frame: got.frame }, message: want.message }),
      );
    if (lines.length > 0) return { lines, ends: [] };
    [from, at, frame] = [at, next.id, got.frame];
  }
}

function ended(what: string, got: readonly string[], want: readonly string[], end: string): Answered {
  const same = got.join() === want.join();
  return { lines: same ? [] : [`${what}: expected ${want.join(" ")}, got ${got.join(" ")}`], ends: [end] };
}

/** The reason by which the packet that was asked beside counts as the sender's drop, once a hub knows of nobody. */
function ownDrop({ frame }: Asking, { address }: packet.LearningMessage): "unknown_destination" | "next_hop" {
  const dst = packet.decode(frame).find((layer) => layer.kind === "ipv4")?.dst;
  return dst === address ? "unknown_destination" : "next_hop";
}

/** The guest that asked for nobody is told so, or nothing where nothing may be told. */
function toldDifferences({ intent, sender, frame }: Asking, got: Verdict): string[] {
  // What is kept of a packet has no room for IPv4 options and what follows them; which of the two it is, is not said.
  if (((frame[14] ?? 0) & 15) > 5) return [];
  const error = told(intent, sender, frame);
  if ((got.retval === REDIRECT) !== (error !== undefined)) return [`told: expected ${!!error}, got ${got.retval}`];
  return error ? packet.diffFrames(error, got.frame).map((line) => `told: ${line}`) : [];
}

interface Sent {
  readonly asked: Asked;
  readonly message: Message;
}

/** All but the outer Ethernet header, nonce and roster, and what is not read. */
function messageDifferences(intent: Intent, from: string, { asked, message }: Sent): string[] {
  const got = asked.frame;
  const to = [...intent.hosts.values()].find((h) => h.number === asked.host);
  const body = got.subarray(ENVELOPE, ENVELOPE + MESSAGE_LENGTH);
  const { nonce = 0n, roster = 0 } = packet.decodeMessage(body) ?? {};
  const payload = packet.encodeMessage({ ...message, nonce, roster, key_version: KEY.version }, KEY.current);
  payload.set(body.subarray(DESCRIBED), DESCRIBED);
  const want = packet.frame(
    packet.eth({}),
    packet.ipv4({
      src: intent.hosts.get(from)!.tunnel_address,
      dst: to?.tunnel_address ?? "0.0.0.0",
      ttl: 64,
      df: true,
    }),
    packet.udp({ sport: LEARNING_PORT, dport: LEARNING_PORT, checksum: 0 }),
    payload,
  );
  want.set(got.subarray(0, 12), 0);
  return packet.diffFrames(want, got).map((line) => `message: ${line}`);
}
