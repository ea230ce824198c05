import { check, WhyBody } from "@onehop/api";
import {
  type At,
  type Bar,
  type BarredRow,
  cidr4,
  contains,
  type Host,
  invalid,
  ipv4,
  type LearnedAnswer,
  type LearnedItem,
  type LearnedList,
  type LearnedRow,
  nounOf,
  type Port,
  parseIpv4,
  type TraceObject,
  type WayAnswer,
} from "@onehop/core";
import { getOne, type QueryValues } from "../api/read.ts";
import { refuseBody } from "../api/refusals.ts";
import { isHub } from "../compile/index.ts";
import { type Names, ref } from "./names.ts";
import { boundPort } from "./request.ts";
import { fromAll, scopeOf } from "./scope.ts";
import type { Listing } from "./traffic.ts";

const checkWhy = check(WhyBody);

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

function hostRef(names: Names, number: number): TraceObject {
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

/** Which way packets of a port to an address go now, and why not straight where they do not. */
export async function wayOf(listing: Listing, body: unknown): Promise<WayAnswer> {
  refuseBody(checkWhy(body));
  const { port_id, to } = body as { readonly port_id: string; readonly to: string };
  if (parseIpv4(to) === undefined) throw invalid("/to", "must be an IPv4 address");
  const { store, caller, names, agents } = listing;
  const from = await boundPort(store, caller, port_id.toLowerCase());
  const vpc = await getOne({ store, caller, noun: nounOf("vpc") }, from.vpc_id);
  const gateway = gatewayOf(names, from.vpc_id, to);
  if (gateway) return { way: "local", why: `It is the gateway of network ${gateway}, and every host answers for it.` };
  const hop = nextHopOf(names, from.vpc_id, to);
  const target = names.portByAddress(from.vpc_id, hop);
  const bound = target?.host_id === undefined ? undefined : names.intent.hosts.get(target.host_id);
  const answer = (await agents.ask(from.host_id!, { what: "learned", vpcs: [Number(vpc.vni)] })) as LearnedAnswer;
  const entry = answer.entries.find((row) => row.address === hop);
  const learns = answer.ways.length > 0;
  const waits = vpc.learning === "confirmed";
  const found = {
    from,
    target,
    bound,
    entry,
    learns,
    waits,
    isBarred: answer.barred.some((bar) => bar.host === bound?.number),
    isTold: target !== undefined && isTold(from.host_id!, target, names),
    via: hop === to ? "" : ` It is reached by the route to ${hop}.`,
  };
  return judgeWay(found, names);
}

interface Found {
  readonly from: Port;
  readonly target: At<Port> | undefined;
  readonly bound: At<Host> | undefined;
  readonly entry: LearnedRow | undefined;
  readonly learns: boolean;
  /** The VPC wants entries confirmed before they carry packets. */
  readonly waits: boolean;
  /** What the port's host says in the VPC is not believed. */
  readonly isBarred: boolean;
  /** The host is told of the address, and need not learn it. */
  readonly isTold: boolean;
  readonly via: string;
}

function judgeWay(found: Found, names: Names): WayAnswer {
  const { from, target, bound, entry, learns, via } = found;
  const ends = {
    ...(bound ? { host: ref("host", bound) } : {}),
    ...(target ? { port: ref("port", target) } : {}),
  };
  const say = (way: WayAnswer["way"], why: string): WayAnswer => ({ way, ...ends, why: why + via });
  if (bound?.id === from.host_id && bound) return say("local", "Both ports are on the same host.");
  if (bound && (!learns || found.isTold))
    return say(
      "pushed",
      learns ? "Hubs, and hosts of its network, are told of it." : "The VPC's ports are told to its hosts.",
    );
  if (!entry && !target) return say("none", "The VPC has no port with this address.");
  if (!entry && !bound) return say("none", "The port of this address is bound to no host.");
  if (!entry && found.isBarred)
    return say(
      "hub",
      `Host ${bound?.name} claimed what is not its own, and is not believed until it is trusted again.`,
    );
  if (!entry) return say("hub", "Nothing was learned: no packet went there lately, or no answer has come yet.");
  const teacher = hostRef(names, entry.host);
  if (entry.silent) return { ...say("hub", `Host ${teacher.name} does not answer.`), host: teacher };
  const { since_ms, confirmed } = entry;
  const unconfirmed = `Host ${teacher.name} said so, and the controllers have not confirmed it yet.`;
  if (found.waits && !confirmed) return { ...say("hub", unconfirmed), host: teacher };
  const moved =
    bound && bound.id !== teacher.id ? ` The port is on host ${bound.name} by now: what comes is passed on.` : "";
  return { ...say("direct", `Host ${teacher.name} said so.${moved}`), host: teacher, since_ms, confirmed };
}

/** Hubs know all ports of the VPC, and a host those of the networks that it serves. */
function isTold(hostId: string, target: Port, { intent }: Names): boolean {
  const host = intent.hosts.get(hostId);
  if (host && isHub(host)) return true;
  return [...intent.ports.values()].some((p) => p.host_id === hostId && p.network_id === target.network_id);
}

const gatewayOf = ({ intent }: Names, vpcId: string, address: string): string | undefined =>
  [...intent.networks.values()].find((n) => n.vpc_id === vpcId && n.gateway === address)?.name;

/** The address that packets are sent to in fact: the next hop of the longest route, where no port has the address. */
function nextHopOf(names: Names, vpcId: string, to: string): string {
  if (names.portByAddress(vpcId, to)) return to;
  const routes = [...names.intent.routes.values()]
    .filter((r) => r.vpc_id === vpcId && contains(cidr4(r.destination), ipv4(to)))
    .sort((a, b) => cidr4(b.destination).prefix - cidr4(a.destination).prefix);
  return routes[0]?.next_hop ?? to;
}
