import type { ControlPlane } from "../control_plane.ts";
import { type Ratios, ratiosOf, type Target, targetsOf } from "./ratios.ts";
import type { Row } from "./row.ts";

/** What `npm run bench -- --json FILE` writes. */
export interface BenchResult {
  /** Data plane. */
  readonly rows: readonly Row[];
  readonly ratios: Ratios;
  readonly targets: readonly Target[];
  readonly control_plane: ControlPlane | null;
  /** By id: whether this run kept them. */
  readonly promises: Readonly<Record<"Q24" | "D19", boolean>>;
  /** Where and how it was measured. */
  readonly conditions: Conditions;
  /** Points that gave nothing, and why. */
  readonly problems: readonly string[];
}

export interface Conditions {
  readonly rounds: number;
  readonly seconds_a_point: number;
  readonly kernel: string;
  readonly processor: string;
  readonly processors: number;
  readonly underlay_mtu: number;
  /** One-minute load average before the first round; about 0 on a calm machine. */
  readonly load_before: number;
  readonly took_s: number;
}

export interface Measured {
  readonly rows: readonly Row[];
  readonly controlPlane: ControlPlane | undefined;
  /** What was wrong with the way of the packets on the underlay; undefined: it was not looked at. */
  readonly wayProblems: readonly string[] | undefined;
  readonly conditions: Conditions;
  readonly problems: readonly string[];
}

export function resultOf({ rows, controlPlane, wayProblems, conditions, problems }: Measured): BenchResult {
  const ratios = ratiosOf(rows);
  const targets = targetsOf(ratios);
  const added = targets.find(({ ratio }) => ratio === "rtt_added_us")!;
  return {
    rows,
    ratios,
    targets,
    control_plane: controlPlane ?? null,
    promises: {
      Q24: wayProblems?.length === 0 && added.met,
      D19: controlPlane !== undefined && rows.every((row) => !("port_realised_ms" in row)),
    },
    conditions,
    problems: [...problems, ...(wayProblems ?? [])],
  };
}
