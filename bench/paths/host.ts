import type { FabricPlan } from "@onehop/lab/fabric/plan";
import type { BenchPath } from "./path.ts";

/** Host to host with no overlay: the limit. */
export function hostPath({ hosts }: FabricPlan): BenchPath {
  const [from, to] = hosts;
  return { name: "host", from: from!.namespace, to: to!.namespace, address: to!.tunnelAddress };
}
