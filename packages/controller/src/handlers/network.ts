import {
  type Cidr4,
  cidr4,
  conflict,
  contains,
  containsRange,
  formatIpv4,
  invalid,
  ipv4,
  NETWORKS_PER_VPC,
  type Network,
  type network,
  overlaps,
  reservedReason,
  type Vpc,
} from "@onehop/core";
import { keys } from "@onehop/store";
import { specialAddress } from "../allocate/ipam.ts";
import { nextRange } from "../allocate/range.ts";
import { freeUpVni, takeVni } from "../allocate/vni.ts";
import type { Given, Handler } from "./handler.ts";
import { charge, referred } from "./references.ts";
import { siblings } from "./vpc.ts";

/** Prefix lengths of networks: room for guests, and not more addresses than are ever used. */
const SHORTEST = 16;
const LONGEST = 29;

export const networks: Handler<Network, Given<typeof network>> = {
  async create(draft, given, context) {
    const vpc = await referred(draft, "vpc", { id: given.vpc_id, pointer: "/vpc_id" }, context);
    const project = await referred(draft, "project", { id: vpc.project_id, pointer: "/vpc_id" }, context);
    // Before the siblings are read: one that is made meanwhile moves the header, and the write is planned anew.
    await draft.bump(keys.header(vpc.id), 1);
    const taken = await siblings(draft, vpc.id, "networks");
    const cidr = given.cidr ?? nextRangeOf(vpc, taken);
    checkRange(vpc, cidr, taken);
    if (taken.length >= NETWORKS_PER_VPC) throw limitReached(vpc);
    const gateway = given.gateway ?? formatIpv4(cidr4(cidr).first + 1);
    checkGateway(cidr, gateway);
    await charge(draft, project, "networks");
    const vni = await takeVni(draft, given, context);
    return { ...given, project_id: vpc.project_id, cidr, gateway, vni };
  },

  change: async (_draft, { after }) => after,

  async remove(draft, object, context) {
    await draft.bump(keys.header(object.vpc_id), 1);
    await draft.bump(keys.quota(object.project_id, "networks"), -1);
    draft.delete(keys.quota(object.id, "ports"));
    await freeUpVni(draft, object, context);
  },

  sibling: (object) => object.cidr,
};

function nextRangeOf(vpc: Vpc, taken: readonly string[]): string {
  if (taken.length >= NETWORKS_PER_VPC) throw limitReached(vpc);
  return nextRange(vpc, taken.map(cidr4));
}

function checkRange(vpc: Vpc, cidr: string, taken: readonly string[]): void {
  const range = cidr4(cidr);
  const reserved = reservedReason(range);
  if (reserved) throw invalid("/cidr", reserved);
  if (range.prefix < SHORTEST || range.prefix > LONGEST)
    throw invalid("/cidr", `must have a prefix length from ${SHORTEST} to ${LONGEST}`);
  if (!vpc.cidrs.some((c) => containsRange(cidr4(c), range)))
    throw invalid("/cidr", `is not inside the ranges of VPC ${vpc.name}: ${vpc.cidrs.join(", ")}`);
  const other = taken.find((t) => overlaps(cidr4(t), range));
  if (other) throw overlap(cidr, other);
}

const overlap = (cidr: string, other: string) =>
  conflict("cidr_overlap", `The range ${cidr} overlaps ${other}, another network of the VPC.`, {
    errors: [{ pointer: "/cidr", detail: `overlaps ${other}, another network of the VPC` }],
    hint: "Leave cidr out to get the next free /24.",
  });

const limitReached = (vpc: Vpc) =>
  conflict("network_limit", `VPC ${vpc.name} has ${NETWORKS_PER_VPC} networks, the most a VPC may have.`, {
    hint: "Delete one, or use another VPC.",
    fields: { limit: NETWORKS_PER_VPC },
  });

function checkGateway(cidr: string, gateway: string): void {
  const range: Cidr4 = cidr4(cidr);
  const n = ipv4(gateway);
  if (!contains(range, n)) throw invalid("/gateway", `is not in ${cidr}, the network's range`);
  const special = specialAddress(range, n);
  if (special) throw invalid("/gateway", special);
}
