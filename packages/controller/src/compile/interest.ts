import type { SliceId } from "@onehop/core";
import { type IndexedIntent, placed } from "./indexed.ts";

/**
 * Which slices a host gets, sorted: the one place that decides who hears of what. Every network of every VPC that the
 * host serves, for now; learning narrows it to the networks the host has a port in.
 */
export function slicesFor(view: IndexedIntent, hostId: string): SliceId[] {
  const slices: SliceId[] = ["hosts", `host/${hostId}`];
  for (const vpcId of vpcsServed(view, hostId)) {
    slices.push(`vpc/${vpcId}`);
    for (const network of view.networksOfVpc(vpcId)) slices.push(`network/${network.id}`);
  }
  return slices.sort();
}

function vpcsServed(view: IndexedIntent, hostId: string): Set<string> {
  const served = new Set<string>();
  for (const port of view.portsOfHost(hostId)) {
    const place = placed(view.intent, port);
    if (typeof place !== "string") served.add(place.vpc.id);
  }
  return served;
}

/** Whether the host has a port in the VPC: what slicesFor depends on, asked without listing. */
export function serves(view: IndexedIntent, hostId: string, vpcId: string): boolean {
  for (const port of view.portsOfHost(hostId)) {
    const place = placed(view.intent, port);
    if (typeof place !== "string" && place.vpc.id === vpcId) return true;
  }
  return false;
}
