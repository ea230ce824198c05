import type { At, Budget, Host, VpcKey, VpcLearning } from "@onehop/core";
import { hashOf } from "./encode.ts";
import type { IndexedIntent } from "./indexed.ts";

/**
 * How far a VPC is on its way to learning, as the store has it, so that no controller's opinion and no hub's death turn
 * it back.
 * - pushed: its ports are told to all its hosts, while its hubs load its table and all get its key: who has none answers
 *   no probe, and would seem dead.
 * - both: it learns, and its ports are told as before, so that no packet meets the change.
 * - learned: a host is told of its own networks' ports only.
 */
export type Stage = "pushed" | "both" | "learned";

/** What compiling must know besides Intent: what is in the store, and what hosts reported. */
export interface LearningFacts {
  /** Of the store. */
  readonly epoch: number;
  /** An operator is still at work on the store: nobody's claim is judged by it. */
  readonly frozen?: boolean;
  keyOf(vpcId: string): VpcKey | undefined;
  stageOf(vpcId: string): Stage;
  /** Whether the host has the whole table of the VPC, as a hub must. */
  inSync(hostId: string, vpcId: string): boolean;
}

export const NO_FACTS: LearningFacts = {
  epoch: 1,
  keyOf: () => undefined,
  stageOf: () => "pushed",
  inSync: () => false,
};

/** OH_MAX_HUBS of the data plane (packages/datapath/bpf/maps/vpc_rules.h). */
const MAX_HUBS = 4;
/** Below it, a hub's death would leave none. */
const LEAST_HUBS = 2;
const ASKS: Budget = { rate: 5000, burst: 5000 };
const PORT_ASKS: Budget = { rate: 1000, burst: 1000 };

export const isHub = (host: Host | undefined): boolean => host?.kind === "onehop" && host.roles.includes("hub");

/** The hubs of a VPC, by rendezvous hashing over all that there are, so that one that comes or goes moves few. */
export function hubsOf(view: IndexedIntent, vpcId: string): readonly At<Host>[] {
  const all = [...view.hubs()];
  if (all.length <= MAX_HUBS) return all;
  const weighed = all.map((host) => ({ host, weight: hashOf(`${vpcId} ${host.id}`) }));
  return weighed
    .sort((a, b) => (a.weight < b.weight ? 1 : -1))
    .slice(0, MAX_HUBS)
    .map(({ host }) => host);
}

/** Whether a VPC may learn: decided by the hubs that are declared, not by those that live. */
export const hasHubs = (view: IndexedIntent, vpcId: string): boolean =>
  view.learning.keyOf(vpcId) !== undefined && hubsOf(view, vpcId).length >= LEAST_HUBS;

/** Whether a VPC's far ports are learned rather than pushed. */
export const learns = (view: IndexedIntent, vpcId: string): boolean =>
  view.learning.stageOf(vpcId) === "learned" && hasHubs(view, vpcId);

export function compileLearning(view: IndexedIntent, vpcId: string): VpcLearning | undefined {
  const { learning } = view;
  const key = learning.keyOf(vpcId);
  const hubs = hubsOf(view, vpcId);
  const vpc = view.intent.vpcs.get(vpcId);
  if (!key || !vpc || hubs.length < LEAST_HUBS) return undefined;
  return {
    mode: learning.stageOf(vpcId) === "pushed" ? "pushed" : vpc.learning,
    hubs: numbers(hubs),
    in_sync: numbers(hubs.filter((hub) => learning.inSync(hub.id, vpcId))),
    epoch: learning.epoch,
    key,
    max_learned: vpc.max_learned,
    asks: ASKS,
    port_asks: PORT_ASKS,
  };
}

const numbers = (hosts: readonly At<Host>[]): number[] => hosts.map((h) => h.number).sort((a, b) => a - b);
