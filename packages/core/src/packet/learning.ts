/**
 * The messages of learning, byte for byte: UDP from and to port 4797, payload of 128 bytes, integers big-endian. The
 * data plane's own description is packages/datapath/bpf/lib/message.h; docs/learning.md has a vector for each.
 *
 * | at | bytes | what |
 * |---|---|---|
 * | 0 | 1 | version, 2 |
 * | 1 | 1 | kind: 1 ask, 2 teach, 3 absent, 4 unknown |
 * | 2 | 1 | hops: times that a question was passed on, at most 3 |
 * | 3 | 1 | zero |
 * | 4 | 4 | version of the VPC's key |
 * | 8 | 4 | VPC |
 * | 12 | 4 | asker, a host's number |
 * | 16 | 4 | teller, a host's number; 0 in a question |
 * | 20 | 4 | claim: sequence |
 * | 24 | 8 | nonce |
 * | 32 | 16 | address; zero: a probe |
 * | 48 | 16 | port |
 * | 64 | 8 | claim: revision |
 * | 72 | 4 | claim: epoch |
 * | 76 | 4 | the teller's roster, where it says whether it has an address; else zero |
 * | 80 | 8 | tag: SipHash-2-4 of bytes 0 to 79, little-endian |
 * | 88 | 40 | not read |
 */
import { ipv4 as parseAddress } from "../address/ipv4.ts";
import { fromHex, hex } from "./bytes.ts";
import { siphash } from "./siphash.ts";

export const LEARNING_PORT = 4797;
export const MESSAGE_LENGTH = 128;
export const MESSAGE_KINDS = ["ask", "teach", "absent", "unknown"] as const;
export type MessageKind = (typeof MESSAGE_KINDS)[number];

export interface LearningMessage {
  readonly kind: MessageKind;
  readonly hops: number;
  readonly key_version: number;
  readonly vpc: number;
  readonly asker: number;
  readonly teller: number;
  readonly nonce: bigint;
  /** IPv4; any other address as 32 hexadecimal digits; undefined: a probe. */
  readonly address: string | undefined;
  /** A UUID; all zero: none. */
  readonly port: string;
  readonly epoch: number;
  readonly revision: bigint;
  readonly sequence: number;
  /** Of the teller, in "teach" and "absent" about an address; 0: it vouches for nothing. */
  readonly roster: number;
}

const VERSION = 2;
const TAG_AT = 80;
const MAPPED = "00000000000000000000ffff";
export const NO_PORT = "00000000-0000-0000-0000-000000000000";
const DEFAULTS: Omit<LearningMessage, "kind"> = {
  ...{ hops: 0, key_version: 1, vpc: 0, asker: 0, teller: 0, nonce: 0n },
  ...{ address: undefined, port: NO_PORT, epoch: 0, revision: 0n, sequence: 0, roster: 0 },
};

function addressBytes(address: string | undefined): Uint8Array {
  if (address === undefined) return new Uint8Array(16);
  if (/^[\da-f]{32}$/.test(address)) return fromHex(address);
  return fromHex(MAPPED + parseAddress(address).toString(16).padStart(8, "0"));
}

function addressText(bytes: Uint8Array): string | undefined {
  const digits = hex(bytes);
  if (/^0+$/.test(digits)) return undefined;
  return digits.startsWith(MAPPED) ? Array.from(bytes.subarray(12)).join(".") : digits;
}

const uuidText = (b: Uint8Array): string => hex(b).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");

/** The tag that the first 80 bytes should have. `key`: 32 hexadecimal digits. */
export const tagOf = (payload: Uint8Array, key: string): bigint => siphash(fromHex(key), payload.subarray(0, TAG_AT));

/** The UDP payload, signed with `key` (32 hexadecimal digits). What is left out is zero, the key's version 1. */
export function encodeMessage(
  given: Pick<LearningMessage, "kind"> & Partial<LearningMessage>,
  key: string,
): Uint8Array {
  const m = { ...DEFAULTS, ...given };
  const b = new Uint8Array(MESSAGE_LENGTH);
  const view = new DataView(b.buffer);
  b[0] = VERSION;
  b[1] = MESSAGE_KINDS.indexOf(m.kind) + 1;
  b[2] = m.hops;
  for (const [at, value] of [
    [4, m.key_version],
    [8, m.vpc],
    [12, m.asker],
    [16, m.teller],
    [20, m.sequence],
    [72, m.epoch],
    [76, m.roster],
  ] as const)
    view.setUint32(at, value);
  view.setBigUint64(24, m.nonce);
  b.set(addressBytes(m.address), 32);
  b.set(fromHex(m.port.replaceAll("-", "")), 48);
  view.setBigUint64(64, m.revision);
  view.setBigUint64(TAG_AT, tagOf(b, key), true);
  return b;
}

/**
 * Undefined where it is no message: another length, version or kind, too many hops, bits that must be zero, "absent" or
 * "unknown" without an address.
 */
export function decodeMessage(payload: Uint8Array): LearningMessage | undefined {
  if (payload.length !== MESSAGE_LENGTH) return undefined;
  const view = new DataView(payload.buffer, payload.byteOffset, payload.length);
  const kind = MESSAGE_KINDS[payload[1]! - 1];
  if (payload[0] !== VERSION || !kind || payload[2]! > 3 || payload[3] !== 0) return undefined;
  const address = addressText(payload.subarray(32, 48));
  if (address === undefined && kind !== "ask" && kind !== "teach") return undefined;
  const roster = view.getUint32(76);
  if (roster !== 0 && (address === undefined || kind === "ask" || kind === "unknown")) return undefined;
  return {
    kind,
    hops: payload[2]!,
    key_version: view.getUint32(4),
    vpc: view.getUint32(8),
    asker: view.getUint32(12),
    teller: view.getUint32(16),
    sequence: view.getUint32(20),
    nonce: view.getBigUint64(24),
    address,
    port: uuidText(payload.subarray(48, 64)),
    revision: view.getBigUint64(64),
    epoch: view.getUint32(72),
    roster,
  };
}

/** Whether the tag is right under the key. */
export const isSigned = (payload: Uint8Array, key: string): boolean =>
  payload.length === MESSAGE_LENGTH &&
  new DataView(payload.buffer, payload.byteOffset).getBigUint64(TAG_AT, true) === tagOf(payload, key);
