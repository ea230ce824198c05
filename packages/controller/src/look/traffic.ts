import { TOP_SECONDS_MAX } from "@onehop/api";
import {
  DROP_REASONS,
  type Drop,
  type DropList,
  type DropRow,
  invalid,
  type TopItem,
  type TopList,
  type TopRow,
  type TraceObject,
} from "@onehop/core";
import type { QueryValues } from "../api/read.ts";
import type { Agents } from "./agents.ts";
import { compact, type Names, ref } from "./names.ts";
import { type Asking, fromAll, type Scope, scopeOf } from "./scope.ts";

export interface Listing extends Asking {
  readonly agents: Agents;
}

/** What the hosts in scope dropped, the latest first. */
export async function listDrops(listing: Listing, query: QueryValues): Promise<DropList> {
  const scope = await scopeOf(listing, query);
  const { agents, names } = listing;
  const vpcs = scope.vpcs ? { vpcs: scope.vpcs } : {};
  const { answers, silent } = await fromAll(scope.hosts, (h) => agents.ask(h.id, { what: "drops", ...vpcs }));
  const items = answers.flatMap(([host, rows]) =>
    (rows as DropRow[]).filter((row) => isIn(scope, row)).map((row) => dropOf(host, row, names)),
  );
  return { items: items.sort((a, b) => (a.last < b.last ? 1 : -1)), silent };
}

const isIn = ({ ports }: Scope, { port_id }: { readonly port_id?: string }): boolean =>
  !ports || (port_id !== undefined && ports.has(port_id));

function dropOf(host: TraceObject, row: DropRow, names: Names): Drop {
  const { port_id, vpc: vni, reason, ...rest } = row;
  const port = port_id === undefined ? undefined : names.intent.ports.get(port_id);
  const vpc = port ? names.intent.vpcs.get(port.vpc_id) : vni === undefined ? undefined : names.vpcByVni(vni);
  return {
    host,
    ...compact({
      port: port ? ref("port", port) : port_id === undefined ? undefined : ref("port", { id: port_id, name: port_id }),
      vpc: vpc && ref("vpc", vpc),
      project: names.project(vpc?.project_id),
    }),
    reason,
    ...DROP_REASONS[reason],
    ...rest,
  };
}

/** Rates of ports, or of pairs, most bits first. */
export async function listTop(listing: Listing, query: QueryValues): Promise<TopList> {
  const scope = await scopeOf(listing, query, ["by", "seconds"]);
  const { agents, names } = listing;
  const question = { what: "top", by: byOf(query), seconds: secondsOf(query) } as const;
  const vpcs = scope.vpcs ? { vpcs: scope.vpcs } : {};
  const { answers, silent } = await fromAll(scope.hosts, (h) => agents.ask(h.id, { ...question, ...vpcs }));
  const items = answers
    .flatMap(([host, rows]) => (rows as TopRow[]).map((row) => topOf(host, row, names)))
    .filter((item) => isTold(scope, item));
  return { items: items.sort((a, b) => bits(b) - bits(a)), seconds: question.seconds, silent };
}

const bits = ({ tx_bps, rx_bps = 0 }: TopItem): number => tx_bps + rx_bps;

/** A pair is told where one of its ends is in scope. */
const isTold = ({ ports }: Scope, { port, src_port, dst_port }: TopItem): boolean =>
  !ports || [port, src_port, dst_port].some((p) => p && ports.has(p.id));

function topOf(host: TraceObject, row: TopRow, names: Names): TopItem {
  const { port_id, vpc: vni, src, dst, ...rates } = row;
  const vpc = vni === undefined ? undefined : names.vpcByVni(vni);
  const at = (address: string | undefined) => {
    const port = vpc && address !== undefined ? names.portByAddress(vpc.id, address) : undefined;
    return port && ref("port", port);
  };
  const ends = compact({
    vpc: vpc && ref("vpc", vpc),
    port: names.port(port_id),
    src_port: at(src),
    dst_port: at(dst),
  });
  return { host, ...ends, ...compact({ src, dst }), ...rates };
}

function byOf({ by = "ports" }: QueryValues): "ports" | "pairs" {
  if (by === "ports" || by === "pairs") return by;
  throw invalid("", "The filter by is ports or pairs.");
}

function secondsOf({ seconds = "1" }: QueryValues): number {
  const n = /^\d{1,2}$/.test(String(seconds)) ? Number(seconds) : 0;
  if (n >= 1 && n <= TOP_SECONDS_MAX) return n;
  throw invalid("", `The seconds must be a number from 1 to ${TOP_SECONDS_MAX}.`);
}
