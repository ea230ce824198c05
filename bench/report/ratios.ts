import type { FigureName } from "../figures/figure.ts";
import type { PathName } from "../paths/path.ts";
import type { Row } from "./row.ts";
import { rounded } from "./statistics.ts";

/** Of the routed path between hosts with offloads on, by medians; null where a part was not measured. */
export interface Ratios {
  readonly tcp1_vs_limit: number | null;
  readonly tcp8_vs_limit: number | null;
  readonly udp64_vs_limit: number | null;
  readonly udp64_vs_bridge_vxlan: number | null;
  readonly tcp1_vs_ovs_userspace: number | null;
  /** Microseconds over the limit's round trip. */
  readonly rtt_added_us: number | null;
  readonly cps_vs_limit: number | null;
  /** Nanoseconds of all programs that a packet crosses. */
  readonly programs_ns: number | null;
  readonly tcp1_tap_vs_veth: number | null;
}

export function ratiosOf(rows: readonly Row[]): Ratios {
  const row = (path: PathName): Row | undefined => rows.find((r) => r.path === path && r.offloads === "on");
  const ratio = (figure: FigureName, over: PathName, under: PathName): number | null => {
    const [a, b] = [row(over)?.[figure], row(under)?.[figure]];
    return a == null || !b ? null : rounded(a / b);
  };
  const [rtt, limit] = [row("onehop-routed")?.rtt_us, row("host")?.rtt_us];
  const programs = row("onehop-routed")?.program_ns;
  return {
    tcp1_vs_limit: ratio("tcp1_gbps", "onehop-routed", "host"),
    tcp8_vs_limit: ratio("tcp8_gbps", "onehop-routed", "host"),
    udp64_vs_limit: ratio("udp64_kpps", "onehop-routed", "host"),
    udp64_vs_bridge_vxlan: ratio("udp64_kpps", "onehop-routed", "bridge-vxlan"),
    tcp1_vs_ovs_userspace: ratio("tcp1_gbps", "onehop-routed", "ovs-userspace"),
    rtt_added_us: rtt == null || limit == null ? null : rounded(rtt - limit),
    cps_vs_limit: ratio("cps", "onehop-routed", "host"),
    programs_ns: programs ? rounded(Object.values(programs).reduce((a, b) => a + b, 0)) : null,
    tcp1_tap_vs_veth: ratio("tcp1_gbps", "onehop-routed-tap", "onehop-routed"),
  };
}

/** What is to be reached. */
export interface Target {
  readonly ratio: keyof Ratios;
  readonly at_least?: number;
  readonly at_most?: number;
  readonly value: number | null;
  readonly met: boolean;
}

const TARGETS: readonly Omit<Target, "value" | "met">[] = [
  { ratio: "tcp1_vs_limit", at_least: 0.95 },
  { ratio: "tcp8_vs_limit", at_least: 0.95 },
  { ratio: "udp64_vs_limit", at_least: 0.65 },
  { ratio: "udp64_vs_bridge_vxlan", at_least: 1.3 },
  { ratio: "rtt_added_us", at_most: 12 },
  { ratio: "programs_ns", at_most: 500 },
  { ratio: "tcp1_tap_vs_veth", at_least: 0.5 },
];

export const targetsOf = (ratios: Ratios): Target[] =>
  TARGETS.map((target) => {
    const value = ratios[target.ratio];
    const { at_least = -Infinity, at_most = Infinity } = target;
    return { ...target, value, met: value !== null && value >= at_least && value <= at_most };
  });
