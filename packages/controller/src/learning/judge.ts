import {
  type At,
  type Claim,
  cidr4,
  compareClaims,
  contains,
  type Lesson,
  type Port,
  parseIpv4,
  type Verdict,
} from "@onehop/core";
import type { IndexedIntent } from "../compile/index.ts";

/** Up to where Intent is known, and up to where the store has gone. */
export interface Horizon {
  readonly view: IndexedIntent;
  readonly stored: number;
}

/** Which of these claims are true, by Intent: a host may teach only what is bound to it, by that very binding. */
export function judge(lessons: readonly Lesson[], horizon: Horizon): Verdict[] {
  const vpcs = new Map([...horizon.view.intent.vpcs.values()].map((vpc) => [vpc.vni, vpc.id]));
  return lessons.map((lesson) => verdictOf(lesson, vpcs.get(lesson.vpc), horizon));
}

function verdictOf(lesson: Lesson, vpcId: string | undefined, { view, stored }: Horizon): Verdict {
  const { claim } = lesson;
  const { epoch, frozen } = view.learning;
  if (frozen) return { verdict: "later" };
  const isOfNow = claim.epoch === epoch;
  // No such revision was ever given out. What a former epoch gave out, a store that was restored does not know.
  if (claim.epoch > epoch || (isOfNow && claim.revision > stored)) return { verdict: "false" };
  if (isOfNow && claim.revision > view.intent.revision) return { verdict: "later" };
  const holder = vpcId === undefined ? undefined : holderOf(view, vpcId, lesson);
  const revision = holder ? holder.binding_revision : claim.revision + 1;
  const known: Claim = { epoch, revision, sequence: 0 };
  const order = compareClaims(claim, known);
  if (order < 0) return { verdict: "stale", floor: known };
  if (order > 0) return { verdict: "false" };
  // Unbound by that very revision: so it was never bound by it.
  const host = holder?.host_id === undefined ? undefined : view.intent.hosts.get(holder.host_id);
  return { verdict: holder?.id === lesson.port && host?.number === lesson.host ? "confirmed" : "false" };
}

/** The port that has the address. The one that the claim names is looked at first. */
function holderOf(view: IndexedIntent, vpcId: string, { port, address }: Lesson): At<Port> | undefined {
  const named = view.intent.ports.get(port);
  if (named?.vpc_id === vpcId && named.addresses.includes(address)) return named;
  const n = parseIpv4(address);
  if (n === undefined) return undefined;
  for (const network of view.networksOfVpc(vpcId)) {
    if (!contains(cidr4(network.cidr), n)) continue;
    for (const other of view.portsOfNetwork(network.id)) if (other.addresses.includes(address)) return other;
  }
  return undefined;
}
