import type { VpcSlice } from "@onehop/core";
import { byId, type IndexedIntent } from "./indexed.ts";
import { compileLearning } from "./learning.ts";

/** What all networks of the VPC share. Undefined: there is no such VPC. */
export function compileVpc(view: IndexedIntent, id: string): VpcSlice | undefined {
  const vpc = view.intent.vpcs.get(id);
  if (!vpc) return undefined;
  const routes = [...view.routesOfVpc(id)].map(({ id, destination, next_hop }) => ({ id, destination, next_hop }));
  const learning = compileLearning(view, id);
  return {
    type: "vpc",
    vpc_id: id,
    vni: vpc.vni,
    cidrs: vpc.cidrs,
    routes: routes.sort(byId),
    ...(learning ? { learning } : {}),
  };
}
