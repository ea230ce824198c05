import type { BenchPath } from "../paths/path.ts";
import { connections } from "./connections.ts";
import { cpuPerPacket } from "./cpu.ts";
import { roundTrip } from "./round_trip.ts";
import { tcp } from "./tcp.ts";
import { smallPackets } from "./udp.ts";

/** What is measured of every path; the names are the JSON's. */
export const FIGURES = ["tcp1_gbps", "tcp8_gbps", "udp64_kpps", "rtt_us", "cps", "cpu_ns_per_packet"] as const;
export type FigureName = (typeof FIGURES)[number];

/** Measured where the underlay's offloads are off, which concern nothing else. */
export const TCP_FIGURES: readonly FigureName[] = ["tcp1_gbps", "tcp8_gbps"];

/** Takes about `seconds`; throws where the traffic did not come about. */
export type Measure = (path: BenchPath, seconds: number) => Promise<number>;

export const MEASURES: Readonly<Record<FigureName, Measure>> = {
  tcp1_gbps: (path, seconds) => tcp(path, 1, seconds),
  tcp8_gbps: (path, seconds) => tcp(path, 8, seconds),
  udp64_kpps: smallPackets,
  rtt_us: roundTrip,
  cps: connections,
  // The machine's idle time is told in hundredths of a second, so a short point would be coarse.
  cpu_ns_per_packet: (path, seconds) => cpuPerPacket(path, 2 * seconds),
};
