import {
  cidr4,
  conflict,
  contains,
  containsRange,
  invalid,
  ipv4,
  type Route,
  type route,
  type Vpc,
} from "@onehop/core";
import { keys } from "@onehop/store";
import type { Draft } from "./draft.ts";
import type { Given, Handler } from "./handler.ts";
import { charge, referred } from "./references.ts";
import { siblings } from "./vpc.ts";

export const routes: Handler<Route, Given<typeof route>> = {
  async create(draft, given, context) {
    const vpc = await referred(draft, "vpc", { id: given.vpc_id, pointer: "/vpc_id" }, context);
    const project = await referred(draft, "project", { id: vpc.project_id, pointer: "/vpc_id" }, context);
    await check(draft, vpc, { after: given });
    await charge(draft, project, "routes");
    return { ...given, project_id: vpc.project_id };
  },

  async change(draft, change, context) {
    const vpc = await referred(draft, "vpc", { id: change.after.vpc_id, pointer: "/vpc_id" }, context);
    await check(draft, vpc, change);
    return change.after;
  },

  async remove(draft, object) {
    await draft.bump(keys.header(object.vpc_id), 1);
    await draft.bump(keys.quota(object.project_id, "routes"), -1);
  },

  sibling: (object) => `${object.destination} ${object.next_hop}`,
};

type Ends = Pick<Route, "destination" | "next_hop">;

async function check(draft: Draft, vpc: Vpc, { before, after }: { before?: Ends; after: Ends }): Promise<void> {
  const { destination, next_hop } = after;
  const reserved = UNROUTABLE.find((r) => containsRange(cidr4(r), cidr4(destination)));
  if (reserved) throw invalid("/destination", `is in ${reserved}, which is never routed`);
  if (!vpc.cidrs.some((c) => contains(cidr4(c), ipv4(next_hop))))
    throw invalid("/next_hop", `is not in the ranges of VPC ${vpc.name}: ${vpc.cidrs.join(", ")}`);
  // Before the siblings are read: one that is made meanwhile moves the header, and the write is planned anew.
  await draft.bump(keys.header(vpc.id), 1);
  const others = (await siblings(draft, vpc.id, "routes")).map((s) => s.split(" ")[0]);
  if (destination !== before?.destination && others.includes(destination)) throw taken(vpc, destination);
}

/** Destinations that no router forwards to (RFC 6890); what merely contains them, such as 0.0.0.0/0, is fine. */
const UNROUTABLE = ["0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4", "240.0.0.0/4"];

const taken = (vpc: Vpc, destination: string) =>
  conflict("route_exists", `VPC ${vpc.name} has a route to ${destination} already.`, {
    errors: [{ pointer: "/destination", detail: "has a route already" }],
    hint: "Change that one: onehop route update.",
  });
