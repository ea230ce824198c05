import type { PortProblem, VpcKey, VpcSlice } from "@onehop/core";
import { LAYOUT, type VpcRules } from "@onehop/datapath/maps.gen";
import { type Entries, KEY_TEXT } from "./entries.ts";
import { type Opened, portsOf } from "./plan.ts";

/** OH_MAX_HUBS (packages/datapath/bpf/maps/vpc_rules.h). */
const MAX_HUBS = 4;
/** Entries that programs may learn, of all VPCs. */
const LEARNED = LAYOUT.maps.learned?.max_entries ?? 0;
const NO_SECRET = "0".repeat(32);

type Learning = NonNullable<VpcSlice["learning"]>;

/** How the VPCs learn that do, and what authenticates it. */
export function lowerLearning(plan: Opened, { vpc_keys, vpc_rules }: Entries): PortProblem[] {
  const short = new Set<number>();
  const unreadable = new Set<number>();
  // What all of them may fill is what there is: none can take the room of another.
  const share = Math.floor(LEARNED / plan.vpcs.filter(({ learning }) => learning).length);
  for (const { vni: vpc, learning } of plan.vpcs) {
    if (!learning) continue;
    if (!isKey(learning.key)) {
      unreadable.add(vpc);
      continue;
    }
    const { version, current, former } = learning.key;
    const keys = { version, current, former_version: former ? version - 1 : 0, former: former ?? NO_SECRET };
    const fits = vpc_keys.add({ vpc }, keys) && vpc_rules.add({ vpc }, rulesOf(learning, plan.own.number, share));
    if (!fits) short.add(vpc);
  }
  return [...portsOf(plan, short, vpc_rules.full), ...portsOf(plan, unreadable, UNREADABLE)];
}

const UNREADABLE = "The key of its VPC that the controllers sent cannot be read: far ports are not learned.";
const isSecret = (text: unknown): boolean => typeof text === "string" && /^[0-9a-f]{32}$/.test(text);

/** A controller of another version may send what is none; it must not keep the host from all else. */
const isKey = ({ version, current, former }: VpcKey): boolean =>
  Number.isInteger(version) && isSecret(current) && (former === undefined || isSecret(former));

/** VPCs of which not all found room, by VNI. A hub must not deny what its tables had no room for. */
export function shortVpcs({ vnis, destinations, routes, vpc_rules }: Entries): ReadonlySet<number> {
  const short = new Set<number>();
  for (const [{ vpc }] of [...destinations.refused, ...routes.refused]) short.add(vpc);
  for (const [, { vpc }] of vnis.refused) short.add(vpc);
  for (const vpc of short) {
    const row = vpc_rules.rows.get(KEY_TEXT.vpc_rules({ vpc }));
    if (row) vpc_rules.replace(row[0], { ...row[1], fits: 0 });
  }
  return short;
}

function rulesOf(learning: Learning, own: number, share: number): VpcRules {
  const is_hub = learning.hubs.includes(own) ? 1 : 0;
  const hubs = learning.in_sync.slice(0, MAX_HUBS);
  return {
    hubs: [...hubs, ...Array<number>(MAX_HUBS - hubs.length).fill(0)],
    epoch: learning.epoch,
    max_learned: Math.min(learning.max_learned, share),
    ask_rate: learning.asks.rate,
    ask_burst: learning.asks.burst,
    port_ask_rate: learning.port_asks.rate,
    port_ask_burst: learning.port_asks.burst,
    is_hub,
    fits: is_hub,
  };
}
