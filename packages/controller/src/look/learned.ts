import {
  type Bar,
  type BarredRow,
  type LearnedAnswer,
  type LearnedItem,
  type LearnedList,
  type LearnedRow,
  parseIpv4,
  type TraceObject,
} from "@onehop/core";
import type { QueryValues } from "../api/read.ts";
import { type Names, ref } from "./names.ts";
import { fromAll, scopeOf } from "./scope.ts";
import type { Listing } from "./traffic.ts";

/** What the hosts in scope learned, by host and address, and how many packets went straight. */
export async function listLearned(listing: Listing, query: QueryValues): Promise<LearnedList> {
  const scope = await scopeOf(listing, query);
  const { agents, names } = listing;
  const vpcs = scope.vpcs ? { vpcs: scope.vpcs } : {};
  const { answers, silent } = await fromAll(scope.hosts, (h) => agents.ask(h.id, { what: "learned", ...vpcs }));
  const all = answers.map(([host, answer]) => [host, answer as LearnedAnswer] as const);
  const items = all.flatMap(([host, { entries }]) => entries.map((row) => itemOf(host, row, names)));
  const barred = all.flatMap(([host, answer]) => answer.barred.map((row) => barOf(host, row, names)));
  return { items: items.sort(byPlace), ways: sumWays(all, names), use: sumUse(all, names), barred, silent };
}

type Answers = readonly (readonly [TraceObject, LearnedAnswer])[];

const byPlace = (a: LearnedItem, b: LearnedItem): number =>
  a.at.name.localeCompare(b.at.name, "en", { numeric: true }) ||
  (a.vpc?.name ?? "").localeCompare(b.vpc?.name ?? "") ||
  (parseIpv4(a.address) ?? 0) - (parseIpv4(b.address) ?? 0);

function itemOf(at: TraceObject, row: LearnedRow, names: Names): LearnedItem {
  const { vpc: vni, host, port, ...rest } = row;
  const vpc = names.vpcByVni(vni);
  return {
    at,
    ...(vpc ? { vpc: ref("vpc", vpc) } : {}),
    teacher: hostRef(names, host),
    port: names.port(port) ?? ref("port", { id: port, name: port }),
    ...rest,
  };
}

export function barOf(at: TraceObject, { vpc: vni, host, since }: BarredRow, names: Names): Bar {
  const vpc = names.vpcByVni(vni);
  const time = new Date(since * 1000).toISOString();
  return { at, ...(vpc ? { vpc: ref("vpc", vpc) } : {}), host: hostRef(names, host), since: time };
}

export function hostRef(names: Names, number: number): TraceObject {
  const host = names.hostByNumber(number);
  return ref("host", host ?? { id: String(number), name: String(number) });
}

function sumWays(answers: Answers, names: Names): LearnedList["ways"] {
  const rows = answers.flatMap(([, { ways }]) => ways);
  return sumByVpc(rows, names, ({ direct, by_hub }, more) => ({
    direct: direct + more.direct,
    by_hub: by_hub + more.by_hub,
  })).map((row) => ({ ...row, ...ratioOf(row) }));
}

const ratioOf = ({ direct, by_hub }: { readonly direct: number; readonly by_hub: number }) =>
  direct + by_hub > 0 ? { ratio: direct / (direct + by_hub) } : {};

function sumUse(answers: Answers, names: Names): LearnedList["use"] {
  const rows = answers.flatMap(([, { use }]) => use ?? []);
  return sumByVpc(rows, names, (sum, more) => ({
    entries: sum.entries + more.entries,
    aged: sum.aged + more.aged,
    evicted: sum.evicted + more.evicted,
    refused: sum.refused + more.refused,
  }));
}

/** One row for each VPC that there is, of the rows of all hosts. */
function sumByVpc<R extends { readonly vpc: number }>(
  rows: readonly R[],
  names: Names,
  add: (sum: Omit<R, "vpc">, more: R) => Omit<R, "vpc">,
) {
  const sums = new Map<number, Omit<R, "vpc">>();
  for (const row of rows) {
    const { vpc, ...first } = row;
    const sum = sums.get(vpc);
    sums.set(vpc, sum ? add(sum, row) : first);
  }
  return [...sums].flatMap(([vni, sum]) => {
    const vpc = names.vpcByVni(vni);
    return vpc ? [{ vpc: ref("vpc", vpc), ...sum }] : [];
  });
}
