/** A packet's life as a row: a sentence, the frame in, what was decided, the whole frame out. */
import { packet } from "@onehop/core";
import { expect } from "vitest";
import type { HostRig, Verdict } from "../src/index.ts";
import { type GuestName, guest, type HostNumber, TUNNEL, type World } from "./world.ts";

const { frame, eth, ipv4, udp, vxlan, diffFrames, decode, concat } = packet;

export interface Row {
  readonly title: string;
  /** The guest that sends it, or the host whose uplink it arrives on. */
  readonly from: GuestName | "no port" | { readonly uplink: 1 | 2 };
  readonly frame: Uint8Array;
  /** Of a super-packet. */
  readonly gso_size?: number;
  readonly ends: Partial<Omit<Verdict, "frame">>;
  /** Left out: the frame as it came. */
  readonly out?: Uint8Array;
  /** What becomes of the frame at the host it was sent to. */
  readonly then?: Pick<Row, "ends" | "out" | "gso_size">;
}

/** A frame in VXLAN from host to host. */
export function wire(from: HostNumber, to: HostNumber, vni: number, inner: Uint8Array): Uint8Array {
  return outer({ src: TUNNEL[from], dst: TUNNEL[to] }, { vni }, inner);
}

/** The same with anything crafted. */
export function outer(ip: Partial<packet.Ipv4>, tunnel: Partial<packet.Vxlan>, inner: Uint8Array): Uint8Array {
  return frame(eth({}), ipv4({ df: true, ...ip }), udp({ sport: 49152, dport: 4789 }), vxlan(tunnel), inner);
}

/** Outer addresses are the kernel's to write, and any source port of the range will do: both are as got. */
function settled(expected: Uint8Array, got: Uint8Array): Uint8Array {
  const [, , port] = decode(got);
  if (decode(expected)[3]?.kind !== "vxlan" || port?.kind !== "udp") return expected;
  expect(port.sport).toBeGreaterThanOrEqual(49152);
  return concat([got.subarray(0, 14), expected.subarray(14, 34), got.subarray(34, 36), expected.subarray(36)]);
}

function judge(verdict: Verdict, row: Pick<Row, "ends" | "out">, came: Uint8Array): void {
  const { frame: got, ...ends } = verdict;
  expect(ends).toMatchObject(row.ends);
  expect(diffFrames(row.out ? settled(row.out, got) : came, got)).toEqual([]);
}

const context = (row: { gso_size?: number }): { gso_size?: number } =>
  row.gso_size === undefined ? {} : { gso_size: row.gso_size };

function run(world: World, row: Row): Verdict {
  if (row.from === "no port") return world[1].send(undefined, row.frame);
  if (typeof row.from === "object") return world[row.from.uplink].receive(row.frame, context(row));
  const g = guest(row.from);
  return rigOf(world, g.host).send(g.slot, row.frame, context(row));
}

export const rigOf = (world: World, host: number): HostRig => {
  if (host !== 1 && host !== 2) throw new RangeError(`host ${host} runs no program`);
  return world[host];
};

/** Plays the row and says where it differs. */
export function play(world: World, row: Row): void {
  const first = run(world, row);
  judge(first, row, row.frame);
  if (!row.then) return;
  expect(first.action).toBe("host");
  judge(rigOf(world, first.host).receive(first.frame, context(row.then)), row.then, first.frame);
}
