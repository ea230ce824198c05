import { type Clock, pause, type TopRow } from "@onehop/core";
import type { PortCounters } from "@onehop/datapath/maps.gen";
import type { PairTraffic } from "../kernel/kernel.ts";
import type { Host } from "./run.ts";

/** Pairs that are told, most bytes first. */
const MOST = 1000;

/** Rates of this host's ports over so many seconds, from their counters. */
export async function topPorts(host: Host, clock: Clock, seconds: number): Promise<TopRow[]> {
  const began = clock.now();
  const before = countersOf(host);
  await pause(clock, seconds * 1000);
  const after = countersOf(host);
  const took = Math.max((clock.now() - began) / 1000, 0.001);
  return [...after].flatMap(([port_id, now]) => {
    const then = before.get(port_id);
    // A slot that was given to another port counts from 0 again.
    if (!then || now.vpc !== then.vpc || now.tx_packets < then.tx_packets) return [];
    const rate = (field: "tx_packets" | "tx_bytes" | "rx_packets" | "rx_bytes") => (now[field] - then[field]) / took;
    return [
      {
        port_id,
        vpc: now.vpc,
        tx_pps: rate("tx_packets"),
        tx_bps: rate("tx_bytes") * 8,
        rx_pps: rate("rx_packets"),
        rx_bps: rate("rx_bytes") * 8,
      },
    ];
  });
}

function countersOf({ kernel, mirror }: Host): Map<string, PortCounters & { readonly vpc: number }> {
  const found = new Map<string, PortCounters & { readonly vpc: number }>();
  for (const [slot, { port, vpc }] of mirror.table("endpoints").actual().values()) {
    const counters = kernel.counters(slot);
    if (counters) found.set(port, { ...counters, vpc });
  }
  return found;
}

/** Rates of the pairs of these VPCs, or of all, that guests here sent to, counted for so many seconds. */
export function topPairs(counted: readonly PairTraffic[], seconds: number, vpcs?: readonly number[]): TopRow[] {
  // Before the cut: one tenant's many pairs are not to hide another's.
  return counted
    .filter(({ vpc }) => !vpcs || vpcs.includes(vpc))
    .sort((a, b) => b.bytes - a.bytes)
    .slice(0, MOST)
    .map(({ vpc, src, dst, packets, bytes }) => ({
      vpc,
      src,
      dst,
      tx_pps: packets / seconds,
      tx_bps: (bytes * 8) / seconds,
    }));
}
