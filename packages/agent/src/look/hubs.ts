import { type HubRow, ipv4 } from "@onehop/core";
import type { Kernel } from "../kernel/kernel.ts";

const MS = 1_000_000n;
const U64 = (1n << 64n) - 1n;

/** hash_mix of packages/datapath/bpf/lib/hash.h. */
function mix(hash: bigint, value: bigint): bigint {
  const h = ((hash ^ value) * 0x9e3779b97f4a7c15n) & U64;
  return h ^ (h >> 32n);
}

/** The address as the programs have it in memory: its first byte is the lowest. */
function inMemory(address: string): bigint {
  const bytes = new DataView(new ArrayBuffer(4));
  bytes.setUint32(0, ipv4(address));
  return BigInt(bytes.getUint32(0, true));
}

/** find_hub of packages/datapath/bpf/stages/hub.h: the first is the one that packets for the address go by. */
export function hubsOf(kernel: Kernel, vpc: number, address: string): HubRow[] {
  const hubs = (kernel.get("vpc_rules", { vpc })?.hubs ?? []).filter((hub) => hub !== 0);
  const about = (BigInt(vpc) << 32n) | inMemory(address);
  const weighed = hubs.map((hub) => {
    const number = BigInt(hub);
    return { weight: mix(mix(number, about), number), row: { host: hub, ...silenceOf(kernel, hub) } };
  });
  const isHeld = ({ row }: (typeof weighed)[number]): number => (row.silent_ms === undefined ? 0 : 1);
  return weighed.sort((a, b) => isHeld(a) - isHeld(b) || (a.weight < b.weight ? 1 : -1)).map(({ row }) => row);
}

/** Whether a host answers; `silent_ms`: packets do not go to it straight, since it fell silent so long ago. */
export function silenceOf(kernel: Kernel, host: number): Pick<HubRow, "silent" | "silent_ms"> {
  const peer = kernel.get("peers", host);
  const now = kernel.now();
  const silent = peer?.silent === 1;
  if (!peer || (!silent && now >= peer.held_until)) return { silent };
  return { silent, silent_ms: Math.max(0, Number((now - peer.silent_since) / MS)) };
}
