import type { Kind, Port, SliceId, Status } from "@onehop/core";
import { hasHubs, hubsOf, type IndexedIntent, isHub, type Plans, placed } from "../compile/index.ts";
import type { AnyObject } from "../status_source.ts";
import type { Reports } from "./reports.ts";

export interface Known {
  readonly view: IndexedIntent;
  readonly plans: Plans;
  readonly reports: Reports;
  /** Why a host that is not connected was last refused. */
  readonly refusalOf?: (hostId: string) => string | undefined;
}

type State = Pick<Status, "state" | "reason">;
const REALISED: State = { state: "realised" };
const PENDING: State = { state: "pending" };
const degraded = (reason: string): State => ({ state: "degraded", reason });

/**
 * What has become of an object: realised when every host concerned has applied the slices that carry it, pending while
 * one has not, degraded where that cannot be expected.
 */
export function stateOf(kind: Kind, object: AnyObject, known: Known): State {
  switch (kind) {
    case "project":
      return REALISED;
    case "host":
      return hostState(object.id, known);
    case "vpc":
      return vpcState(object.id, known);
    case "network":
      return slicesState([`network/${object.id}`], known);
    case "port":
      return portState(object as Port, known);
    case "route":
      return slicesState([`vpc/${(object as { vpc_id: string }).vpc_id}`], known);
  }
}

/** One whose hubs came lately is on its way to learning until they have its table, and its hosts know. */
function vpcState(id: string, known: Known): State {
  const state = slicesState(vpcSlices(id, known), known);
  const { view, reports } = known;
  const isOnItsWay = hasHubs(view, id) && view.learning.stageOf(id) !== "learned";
  const awaited = isOnItsWay && hubsOf(view, id).some((hub) => reports.live(hub.id));
  return awaited && state.state === "realised" ? PENDING : state;
}

function hostState(id: string, known: Known): State {
  const host = known.view.intent.hosts.get(id);
  if (host?.kind === "vxlan-peer") return slicesState(["hosts"], known);
  if (!known.reports.live(id)) {
    const refusal = known.refusalOf?.(id);
    return degraded(refusal ? `Its agent was refused: ${refusal}` : "Its agent is not connected.");
  }
  const slices = [...known.plans.wantedBy(id)];
  const problem = known.plans.problemOf(`host/${id}`);
  if (problem) return degraded(problem);
  const current = slices.every((slice) => known.reports.appliedBy(slice).get(id) === known.plans.slice(slice)?.hash);
  return current ? REALISED : PENDING;
}

function portState(port: Port, known: Known): State {
  if (port.host_id !== undefined) {
    const place = placed(known.view.intent, port);
    if (typeof place === "string") return degraded(place);
    if (place.host.kind === "onehop" && !known.reports.live(port.host_id))
      return degraded(`The agent of its host ${place.host.name} is not connected.`);
    const problem = known.reports.problemOf(port.host_id, port.id);
    if (problem) return degraded(problem.reason);
  }
  const network = `network/${port.network_id}` as const;
  const vpc = `vpc/${port.vpc_id}` as const;
  // Of the VPC's routes and hubs only those must know that serve its network: another host's death is not this port's.
  const concerned = new Map([[vpc, known.plans.hostsOf(network)]]);
  return slicesState([network, vpc], known, concerned);
}

const vpcSlices = (id: string, { view }: Known): SliceId[] => [
  `vpc/${id}`,
  ...[...view.networksOfVpc(id)].map((network) => `network/${network.id}` as const),
];

/** Hosts that a slice's state is asked of, where it is not all of them. */
type Concerned = ReadonlyMap<SliceId, ReadonlySet<string>>;
const EVERY_HOST: Concerned = new Map();

/** Hosts that hold a slice without being meant to any more count too, until they have let go of it. */
function slicesState(ids: readonly SliceId[], known: Known, concerned = EVERY_HOST): State {
  const { plans, reports } = known;
  let pending = false;
  if (ids.some((id) => isWithoutHub(id, known))) return degraded("None of its VPC's hubs has the whole table.");
  for (const id of ids) {
    const hash = plans.slice(id)?.hash;
    const problem = plans.problemOf(id);
    if (problem) return degraded(problem);
    const applied = reports.appliedBy(id);
    const wanted = plans.hostsOf(id);
    const some = concerned.get(id);
    for (const host of some ?? wanted) {
      if (some && !wanted.has(host)) continue;
      if (!reports.live(host) && isOnlyHub(host, ids, known)) continue;
      if (!reports.live(host)) return degraded(`The agent of host ${nameOf(host, known)} is not connected.`);
      if (applied.get(host) !== hash) pending = true;
    }
    for (const host of some ?? applied.keys()) if (applied.has(host) && !wanted.has(host)) pending = true;
  }
  return pending ? PENDING : REALISED;
}

/** A dead hub harms nobody while another lives; whether one does is said of the VPC. */
function isOnlyHub(hostId: string, ids: readonly SliceId[], { view }: Known): boolean {
  if (!isHub(view.intent.hosts.get(hostId))) return false;
  const asked = new Set(ids);
  for (const port of view.portsOfHost(hostId))
    if (asked.has(`network/${port.network_id}`) || asked.has(`vpc/${port.vpc_id}`)) return false;
  return true;
}

function isWithoutHub(id: SliceId, { plans }: Known): boolean {
  const body = plans.slice(id)?.body;
  const learning = body?.type === "vpc" ? body.learning : undefined;
  return learning !== undefined && learning.mode !== "pushed" && learning.in_sync.length === 0;
}

const nameOf = (hostId: string, { view }: Known): string => view.intent.hosts.get(hostId)?.name ?? hostId;
