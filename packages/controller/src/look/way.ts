import { check, WhyBody } from "@onehop/api";
import {
  type At,
  type BarredRow,
  cidr4,
  contains,
  type Host,
  type HubRow,
  invalid,
  ipv4,
  type LearnedAnswer,
  type LearnedRow,
  nounOf,
  type Port,
  parseIpv4,
  type WayAnswer,
} from "@onehop/core";
import { getOne } from "../api/read.ts";
import { refuseBody } from "../api/refusals.ts";
import { isHub } from "../compile/index.ts";
import { hostRef } from "./learned.ts";
import { type Names, ref } from "./names.ts";
import { boundPort } from "./request.ts";
import type { Listing } from "./traffic.ts";

const checkWhy = check(WhyBody);

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
  const vni = Number(vpc.vni);
  const question = { what: "learned", vpcs: [vni], to: { vpc: vni, address: hop } } as const;
  const answer = (await agents.ask(from.host_id!, question)) as LearnedAnswer;
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
    bar: answer.barred.find((bar) => bar.host === bound?.number),
    // A hub that lacks the address asks another one.
    hubs: answer.hubs?.filter((hub) => hub.host !== names.intent.hosts.get(from.host_id!)?.number),
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
  readonly bar: BarredRow | undefined;
  /** Those that packets to the address may go by, the one in use first; undefined: the host's agent does not tell. */
  readonly hubs: readonly HubRow[] | undefined;
  /** The host is told of the address, and need not learn it. */
  readonly isTold: boolean;
  readonly via: string;
}

function judgeWay(found: Found, names: Names): WayAnswer {
  const { from, target, bound, entry, learns } = found;
  const say = (way: WayAnswer["way"], why: string): WayAnswer => said(found, way, why);
  if (bound?.id === from.host_id && bound) return say("local", "Both ports are on the same host.");
  if (bound && (!learns || found.isTold))
    return say(
      "pushed",
      learns ? "Hubs, and hosts of its network, are told of it." : "The VPC's ports are told to its hosts.",
    );
  if (!entry && !target) return say("none", "The VPC has no port with this address.");
  if (!entry && !bound) return say("none", "The port of this address is bound to no host.");
  return entry ? byEntry(found, entry, names) : byHub(found, notLearned(found), names);
}

function said({ target, bound, via }: Found, way: WayAnswer["way"], why: string): WayAnswer {
  return {
    way,
    ...(bound ? { host: ref("host", bound) } : {}),
    ...(target ? { port: ref("port", target) } : {}),
    why: why + via,
  };
}

/** Why packets do not go straight, and for how long that has been so. */
interface Reason {
  readonly why: string;
  readonly since_ms?: number | undefined;
}

function notLearned({ bound, bar }: Found): Reason {
  if (!bar) return { why: "Nothing was learned: no packet went there lately, or no answer has come yet." };
  const why = `Host ${bound?.name} claimed what is not its own, and is not believed until it is trusted again.`;
  return { why, since_ms: Math.max(0, Date.now() - bar.since * 1000) };
}

function byEntry(found: Found, entry: LearnedRow, names: Names): WayAnswer {
  const { bound } = found;
  const teacher = hostRef(names, entry.host);
  const { since_ms, silent_ms, confirmed } = entry;
  if (entry.silent || silent_ms !== undefined) {
    const why = entry.silent
      ? `Host ${teacher.name} does not answer.`
      : `Host ${teacher.name} answers again, and is used as soon as it has done so for a while.`;
    const way = byHub(found, { why, since_ms: silent_ms }, names);
    if (way.way === "hub") return { ...way, host: teacher };
    const straight = said(found, "direct", `${way.why} Packets go to it straight all the same.`);
    return { ...straight, host: teacher, since_ms, confirmed };
  }
  const unconfirmed = `Host ${teacher.name} said so, and the controllers have not confirmed it yet.`;
  if (found.waits && !confirmed) return { ...byHub(found, { why: unconfirmed, since_ms }, names), host: teacher };
  const moved =
    bound && bound.id !== teacher.id ? ` The port is on host ${bound.name} by now: what comes is passed on.` : "";
  return { ...said(found, "direct", `Host ${teacher.name} said so.${moved}`), host: teacher, since_ms, confirmed };
}

/** By the hub that the host's programs choose; nowhere, where none answers. */
function byHub(found: Found, { why, since_ms }: Reason, names: Names): WayAnswer {
  const { hubs } = found;
  const since = (ms: number | undefined) => (ms === undefined ? {} : { since_ms: ms });
  if (!hubs) return { ...said(found, "hub", why), ...since(since_ms) };
  const [first] = hubs;
  if (!first) return said(found, "none", `${why} The host knows of no hub of the VPC that has its whole table.`);
  if (!first.silent) {
    const hub = hostRef(names, first.host);
    return { ...said(found, "hub", `${why} Packets go by hub ${hub.name}.`), hub, ...since(since_ms) };
  }
  const all = hubs.map((hub) => hostRef(names, hub.host).name).join(", ");
  const shortest = Math.min(...hubs.map((hub) => hub.silent_ms ?? 0));
  return { ...said(found, "none", `${why} No hub of the VPC answers: ${all}.`), since_ms: shortest };
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
