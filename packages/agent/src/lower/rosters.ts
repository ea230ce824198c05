import { createHash } from "node:crypto";
import { Device } from "@onehop/datapath/maps.gen";
import { type Entries, KEY_TEXT } from "./entries.ts";
import type { Opened } from "./plan.ts";

/**
 * What this host has of each VPC that learns, as one number that its answers carry: another one where a port comes, goes,
 * is bound anew or has no device any more. A VPC that found no room has none, since what of it is there cannot be told.
 */
export function lowerRosters(
  plan: Opened,
  { endpoints, vpc_rules, rosters }: Entries,
  short: ReadonlySet<number>,
): void {
  const withDevice = [...endpoints.rows.values()].filter(([, { device }]) => device !== Device.NONE);
  const reachable = new Set(withDevice.map(([, { port }]) => port));
  const claims = new Map<number, string[]>();
  for (const { port, network } of plan.local) {
    if (!reachable.has(port.id)) continue;
    const claim = [port.id, port.generation, ...port.addresses].join(" ");
    const others = claims.get(network.vpc_vni);
    if (others) others.push(claim);
    else claims.set(network.vpc_vni, [claim]);
  }
  for (const [vpc, lines] of claims) {
    const rules = vpc_rules.rows.get(KEY_TEXT.vpc_rules({ vpc }))?.[1];
    if (rules && !short.has(vpc)) rosters.add({ vpc }, { number: numberOf([`${rules.epoch}`, ...lines]) });
  }
}

/** 32 bits; 0 stands for no roster. */
const numberOf = (lines: readonly string[]): number =>
  createHash("sha256").update(lines.join("\n")).digest().readUInt32BE() || 1;
