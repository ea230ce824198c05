import type { FabricPlan } from "../fabric/plan.ts";
import { ping } from "../traffic/ping.ts";
import { hasMarker } from "./judge.ts";
import { type Seen, Sniffer } from "./sniffer.ts";

const FENCE = "-- fence --";

/** Everything that passed the routed links while `traffic` ran. */
export async function listenToWire(fabric: FabricPlan, traffic: () => Promise<void>): Promise<Seen[]> {
  const sniffer = await Sniffer.start({ namespace: fabric.namespace, device: "any" });
  try {
    await traffic();
    // What the sniffer sees after the traffic shows that it has seen all of the traffic.
    const target = fabric.hosts[0]!.uplinks[0]!.address;
    const fence = ping({ namespace: fabric.namespace, to: target, count: 1, marker: FENCE });
    await sniffer.sees((s) => hasMarker(s, FENCE));
    await fence;
  } finally {
    await sniffer.end();
  }
  return sniffer.result();
}
