import { GATEWAY_MAC, type packet } from "@onehop/core";
import { depth } from "../capture/judge.ts";
import type { Seen } from "../capture/sniffer.ts";
import { CASES, type Case } from "./cases.ts";
import type { Isolation } from "./isolation.ts";
import type { Row } from "./row.ts";

/** What `npm start -- --once --json FILE` writes. */
export interface DemoResult {
  readonly rows: readonly Row[];
  readonly cross_vpc_packets: number | null;
  /** By the ids of the promises: whether this run kept them. */
  readonly promises: Readonly<Record<string, boolean>>;
  readonly ok: boolean;
  /** What went wrong beside the rows. */
  readonly problems: readonly string[];
}

/** `isolation` is missing where the lab did not come so far. */
export function resultOf(
  rows: readonly Row[],
  isolation: Isolation | undefined,
  problems: readonly string[],
): DemoResult {
  const all = [...problems, ...isolationProblems(isolation)];
  const covered = CASES.every((c) => rows.some((r) => r.case === c));
  if (!covered) all.push("not every case was measured");
  return {
    rows,
    cross_vpc_packets: isolation?.crossed ?? null,
    promises: promisesOf(rows, isolation),
    ok: all.length === 0 && rows.every((r) => r.ok),
    problems: all,
  };
}

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

function isolationProblems(isolation: Isolation | undefined): string[] {
  if (!isolation) return ["it was not seen whether the VPCs are apart"];
  return [
    ...(isolation.crossed > 0 ? [`${isolation.crossed} packets crossed between VPCs`] : []),
    ...(isolation.lost > 0 ? [`${isolation.lost} packets within a VPC were lost`] : []),
  ];
}

function promisesOf(rows: readonly Row[], isolation: Isolation | undefined): Record<string, boolean> {
  const held = (...cases: Case[]): boolean =>
    cases.every((c) => rows.some((r) => r.case === c)) && rows.every((r) => r.ok || !cases.includes(r.case));
  const apart = isolation !== undefined && isolation.crossed === 0;
  const wire = (isolation?.wire ?? []).filter((s) => depth(s.layers) > 0);
  const onWire = (test: (s: Seen) => boolean): boolean => wire.length > 0 && wire.every(test);
  return {
    Q1: held(...CASES),
    Q2: apart && isolation.lost === 0,
    Q13: onWire((s) => !isGroup(outerDestination(s.layers))),
    Q15: onWire((s) => !s.layers.some((l) => l.kind === "arp")),
    Q21: held("same-net/same-host", "routed/same-host"),
    Q22: onWire((s) => !s.layers.some((l) => l.kind === "eth" && l.src === GATEWAY_MAC)),
    Q23: held("same-net/cross-host", "routed/cross-host"),
    Q28: held("routed/same-host"),
    ...learningOf(rows),
  };
}

/** Only of a run in which pairs were learned: by a hub first, without a loss, and straight from the second packet on. */
function learningOf(rows: readonly Row[]): Record<string, boolean> {
  const learned = rows.filter((r) => r.first_packet !== null);
  if (learned.length === 0) return {};
  const held = learned.every((r) => r.ok);
  return { Q29: held, Q30: held };
}

const outerDestination = (layers: readonly packet.Layer[]): string => layers.find((l) => l.kind === "ipv4")?.dst ?? "";
const isGroup = (address: string): boolean => {
  const first = Number(address.split(".")[0]);
  return address === "" || first >= 224;
};
