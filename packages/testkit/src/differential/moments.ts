import type { LearningFacts } from "@onehop/controller/compile/index";
import type { At, Host, Intent, Port } from "@onehop/core";
import type { Knowledge, Known, Learned } from "@onehop/model";
import type { Random } from "../topologies/random.ts";
import type { Topology } from "../topologies/topology.ts";
import type { Bound } from "./scene.ts";

/**
 * nothing: no host learned anything. learned: what is true. stale: some ports have moved since. doubtful: a hub, or both,
 * may lack ports. no_hub: hosts know of none.
 */
export const MOMENTS = ["nothing", "learned", "stale", "doubtful", "no_hub"] as const;
export type MomentName = (typeof MOMENTS)[number];

/** A region at one moment: what is wanted, and what each host knows of it. */
export interface Moment {
  readonly name: MomentName;
  readonly intent: Intent;
  readonly known: Known;
  readonly facts: LearningFacts;
  readonly isWhole: (hostId: string) => boolean;
}

export const EPOCH = 3;
export const KEY = { version: 1, current: "000102030405060708090a0b0c0d0e0f" } as const;

const isHub = (host: Host): boolean => host.roles.includes("hub");
const bound = (intent: Intent): Bound[] =>
  [...intent.ports.values()].filter((p): p is Bound => p.host_id !== undefined);

export function momentOf(name: MomentName, { intent, learning }: Topology, random: Random): Moment {
  const moved = name === "stale" ? movesIn(intent, learning, random) : new Map<string, string>();
  const now = afterMoves(intent, moved);
  const hubs = [...intent.hosts.values()].filter(isHub).map((h) => h.id);
  const doubted = name === "doubtful" ? (random.chance(30) ? hubs : [random.pick(hubs)]) : [];
  const used = name === "no_hub" ? [] : random.chance(30) ? hubs.filter((id) => !doubted.includes(id)) : hubs;
  const unheard = random.chance(30);
  const known = new Map<string, Knowledge>();
  for (const vpcId of learning) {
    const ports = bound(intent).filter((p) => p.vpc_id === vpcId);
    const lacking = (hub: string) =>
      new Set(ports.filter((p) => p.host_id !== hub && random.chance(40)).map((p) => p.id));
    known.set(vpcId, {
      epoch: EPOCH,
      hubs: new Set(hubs),
      used: new Set(used),
      doubtful: new Map(doubted.map((id) => [id, lacking(id)])),
      learned: name === "nothing" ? new Map() : lessons(intent, ports, random),
      former: new Map(ports.flatMap((p) => (moved.has(p.id) ? p.addresses.map((a) => [a, p.host_id] as const) : []))),
      unheard,
    });
  }
  const facts = {
    epoch: EPOCH,
    keyOf: (vpcId: string) => (learning.has(vpcId) ? KEY : undefined),
    stageOf: (vpcId: string) => (learning.has(vpcId) ? ("learned" as const) : ("pushed" as const)),
    inSync: (hostId: string) => used.includes(hostId),
  };
  return { name, intent: now, known, facts, isWhole: (id) => hubs.includes(id) && !doubted.includes(id) };
}

/** What hosts might have learned of these ports, each knowing some of it. */
function lessons(intent: Intent, ports: readonly Bound[], random: Random): Map<string, Learned> {
  const learned = new Map<string, Learned>();
  for (const learner of new Set(ports.map((p) => p.host_id))) {
    if (intent.hosts.get(learner)?.kind !== "onehop") continue;
    for (const port of ports)
      for (const address of port.addresses) {
        if (port.host_id === learner || intent.hosts.get(port.host_id)?.kind !== "onehop" || random.chance(40))
          continue;
        const { id, host_id: host, binding_revision: revision = 0 } = port;
        learned.set(`${learner} ${address}`, { host, port: id, revision, fresh: random.chance(50) });
      }
  }
  return learned;
}

/** New hosts of some ports. A host that loses one keeps another of the VPC, so that it still serves it. */
function movesIn(intent: Intent, learning: ReadonlySet<string>, random: Random): Map<string, string> {
  const moved = new Map<string, string>();
  const kept = new Set<string>();
  for (const port of bound(intent)) {
    const place = `${port.host_id} ${port.vpc_id}`;
    const movable = learning.has(port.vpc_id) && intent.hosts.get(port.host_id)?.kind === "onehop" && kept.has(place);
    kept.add(place);
    const others = [...intent.hosts.values()].filter((h) => h.kind === "onehop" && h.id !== port.host_id && !isHub(h));
    if (movable && random.chance(40)) moved.set(port.id, random.pick(others).id);
  }
  return moved;
}

function afterMoves(intent: Intent, moved: ReadonlyMap<string, string>): Intent {
  if (moved.size === 0) return intent;
  const revision = intent.revision + 1;
  const ports = new Map<string, At<Port>>(intent.ports);
  for (const [id, host_id] of moved) ports.set(id, { ...ports.get(id)!, host_id, binding_revision: revision });
  return { ...intent, ports, revision };
}
