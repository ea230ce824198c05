import type { FigureName } from "../figures/figure.ts";
import type { PathName } from "../paths/path.ts";

/** Paths and figures as a person reads them. */
export const PATH_WORDS: Readonly<Record<PathName, string>> = {
  host: "host to host, no overlay",
  "onehop-same-net": "onehop, same network",
  "onehop-routed": "onehop, routed",
  "onehop-same-host": "onehop, same host",
  "onehop-routed-tap": "onehop, routed into a tap",
  "bridge-vxlan": "Linux bridge + VXLAN",
  "ovs-userspace": "Open vSwitch userspace + VXLAN",
};

export interface FigureWords {
  readonly title: string;
  readonly unit: string;
  readonly better: "more" | "less";
}

export const FIGURE_WORDS: Readonly<Record<FigureName, FigureWords>> = {
  tcp1_gbps: { title: "TCP, one stream", unit: "Gb/s", better: "more" },
  tcp8_gbps: { title: "TCP, eight streams", unit: "Gb/s", better: "more" },
  udp64_kpps: { title: "64-byte UDP delivered", unit: "kpps", better: "more" },
  rtt_us: { title: "Round trip", unit: "µs", better: "less" },
  cps: { title: "New TCP connections", unit: "/s", better: "more" },
  cpu_ns_per_packet: { title: "CPU of the whole machine", unit: "ns/packet", better: "less" },
};

/** Three digits that count. */
export function shown(value: number | null | undefined): string {
  if (value == null) return "-";
  return Math.abs(value) >= 100 ? value.toFixed(0) : value.toPrecision(3);
}
