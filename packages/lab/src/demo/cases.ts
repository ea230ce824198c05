import type { Guest } from "../guests.ts";

/** Every way two ports of a VPC can lie to each other. */
export const CASES = ["same-net/same-host", "same-net/cross-host", "routed/same-host", "routed/cross-host"] as const;
export type Case = (typeof CASES)[number];

export const caseOf = (a: Guest, b: Guest): Case =>
  `${a.network_id === b.network_id ? "same-net" : "routed"}/${a.host === b.host ? "same-host" : "cross-host"}`;

export interface Pair {
  readonly from: Guest;
  readonly to: Guest;
  readonly case: Case;
}

/** For each VPC and case the first pair there is, in the order of names. */
export function pairsOf(guests: readonly Guest[]): Pair[] {
  return byVpc(guests).flatMap((members) =>
    CASES.flatMap((wanted) => {
      const pairs = members.flatMap((from) => members.filter((to) => to !== from).map((to) => ({ from, to })));
      const found = pairs.find(({ from, to }) => caseOf(from, to) === wanted);
      return found ? [{ ...found, case: wanted }] : [];
    }),
  );
}

export function byVpc(guests: readonly Guest[]): Guest[][] {
  const groups = new Map<string, Guest[]>();
  for (const guest of guests) groups.set(guest.vpc_id, [...(groups.get(guest.vpc_id) ?? []), guest]);
  return [...groups.values()];
}
