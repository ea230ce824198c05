import {
  assignSlots,
  DEFAULT_LIMITS,
  KEY_TEXT,
  lower,
  OVERHEAD,
  openPlan,
  TABLE_NAMES,
} from "@onehop/agent/lower/index";
import { compileAll } from "@onehop/controller/compile/index";
import { Facts } from "@onehop/controller/learning/facts";
import { Reports } from "@onehop/controller/realise/reports";
import type { HostPlan, Intent, Kind } from "@onehop/core";
import { IntentView, keys, type MemoryStore } from "@onehop/store";
import { type HostNode, UPLINK } from "./agent.ts";
import type { ControllerNode } from "./controller.ts";
import type { Machines } from "./faults.ts";

/** What a store says, read from scratch. */
export interface Truth {
  readonly intent: Intent;
  readonly facts: Facts;
  readonly plans: ReadonlyMap<string, HostPlan>;
}

export async function truthOf(memory: MemoryStore): Promise<Truth> {
  const ended = AbortSignal.abort("read once");
  const intent = await IntentView.open({ store: memory, signal: ended });
  const reports = new Reports();
  const facts = new Facts(reports);
  facts.reported(reports.replaceAll((await memory.range({ prefix: keys.reports })).entries));
  facts.listKeys((await memory.range({ prefix: keys.vpcKeys })).entries);
  facts.setEpoch((await memory.get(keys.epoch))?.value);
  return { intent, facts, plans: compileAll(intent, facts) };
}

/** The first thing that is not as it must be once nothing is on its way any more; undefined: all is well. */
export async function unrest(memory: MemoryStore, machines: Machines): Promise<string | undefined> {
  const truth = await truthOf(memory);
  for (const node of machines.controllers) {
    const problem = controllerUnrest(node, truth);
    if (problem) return `${node.name}: ${problem}`;
  }
  const shards = new Set([...truth.plans.values()].flatMap((plan) => [...plan.keys()]));
  for (const id of shards) {
    const owners = machines.controllers.filter((c) => c.plane?.shards.epochOf(id) !== undefined);
    if (owners.length !== 1) return `${id} has ${owners.length} owners`;
  }
  for (const node of machines.hosts) {
    const problem = await hostUnrest(node, truth);
    if (problem) return `${node.id}: ${problem}`;
  }
  return undefined;
}

const KINDS = [
  ["host", "hosts"],
  ["vpc", "vpcs"],
  ["network", "networks"],
  ["port", "ports"],
  ["route", "routes"],
] as const satisfies readonly (readonly [Kind, keyof Intent])[];

function controllerUnrest({ plane }: ControllerNode, { intent, plans }: Truth): string | undefined {
  if (!plane) return "does not work yet";
  for (const [kind, plural] of KINDS)
    for (const object of intent[plural].values()) {
      const { state, reason = "" } = plane.status.statusOf(kind, object, object.revision);
      if (state !== "realised") return `${kind} ${object.id} is ${state} ${reason}`;
    }
  for (const [hostId, plan] of plans) {
    const wanted = plane.plans.wantedBy(hostId);
    if (wanted.size !== plan.size) return `plans ${wanted.size} slices for ${hostId}, not ${plan.size}`;
    for (const id of plan.keys()) if (!wanted.has(id)) return `does not plan ${id} for ${hostId}`;
  }
  return undefined;
}

async function hostUnrest(node: HostNode, { plans }: Truth): Promise<string | undefined> {
  const plan = plans.get(node.id);
  // What a host that was removed had is left as it was.
  if (!plan) return undefined;
  const { kernel } = node;
  const wanted = await fromScratch(node, plan);
  if (!wanted) return "has no whole plan";
  for (const { port_id, reason } of wanted.problems) return `port ${port_id}: ${reason}`;
  const learning = new Set([...wanted.entries.vpc_rules.rows.keys()]);
  for (const name of TABLE_NAMES) {
    const rows = wanted.entries[name].rows as ReadonlyMap<string, readonly [unknown, unknown]>;
    const text = KEY_TEXT[name] as (key: unknown) => string;
    const has = new Map([...kernel.read(name)].map(([key, value]) => [text(key), value]));
    for (const [key, [, value]] of rows)
      if (JSON.stringify(has.get(key)) !== JSON.stringify(value))
        return `${name} ${key} is ${JSON.stringify(has.get(key))}, not ${JSON.stringify(value)}`;
    for (const key of has.keys())
      if (!rows.has(key) && !(LINGERING.has(name) && !learning.has(key))) return `${name} ${key} should not be there`;
  }
  const guarded = kernel.guarded();
  for (const { port } of openPlan(plan)?.local ?? [])
    if (!guarded.has(port.id)) return `port ${port.id} has no program`;
  return undefined;
}

/** What stays for a while of VPCs whose last port left the host (agent/src/learning/lingering.ts); keyed by VNI. */
const LINGERING: ReadonlySet<string> = new Set(["vpc_rules", "vpc_keys", "vnis"]);

async function fromScratch({ kernel }: HostNode, plan: HostPlan) {
  const opened = openPlan(plan);
  if (!opened) return undefined;
  const links = await kernel.devices();
  const had = new Map([...kernel.read("endpoints")].map(([slot, { port }]) => [port, slot]));
  const others = opened.hosts.filter((h) => h.number !== opened.own.number).map((h) => h.tunnel_address);
  return lower(plan, {
    links,
    uplinks: [UPLINK],
    underlayMtu: links.get(UPLINK)?.mtu ?? OVERHEAD,
    nextHops: await kernel.nextHops(others),
    slots: assignSlots(
      had,
      opened.local.map(({ port }) => port.id),
    ),
    limits: DEFAULT_LIMITS,
  });
}
