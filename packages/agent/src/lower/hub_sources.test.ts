import type { HostSlice, NetworkSlice, PortPlan, VpcSlice } from "@onehop/core";
import { expect, it } from "vitest";
import { noEntries } from "./entries.ts";
import { lowerHubSources } from "./hub_sources.ts";
import { Memos } from "./memos.ts";
import type { Opened } from "./plan.ts";

const port = (id: string, host: number, allowed_addresses: string[]): PortPlan => ({
  ...{ id, generation: 1, mac: "0a:00:00:00:00:01", addresses: ["10.0.1.5"], allowed_addresses, host },
});

/** Host 3, and a VPC whose hubs are 3 and 4, or 4 and 5. */
function opened(hubs: number[], ports: PortPlan[]): Opened {
  const network: NetworkSlice = {
    ...{ type: "network", network_id: "n", vpc_id: "v", vpc_vni: 5000, vni: 5001, cidr: "10.0.1.0/24" },
    ...{ gateway: "10.0.1.1", gateway_mac: "02:00:00:00:00:01", ports },
  };
  const vpc = { type: "vpc", vpc_id: "v", vni: 5000, cidrs: [], routes: [], learning: { hubs } } as unknown as VpcSlice;
  const own = { type: "host", host_id: "h3", number: 3, slices: [] } as unknown as HostSlice;
  return { own, hosts: [], hostByNumber: new Map(), vpcs: [vpc], networks: [network], localIn: new Map(), local: [] };
}

function sources(plan: Opened): string[] {
  const entries = noEntries();
  lowerHubSources(plan, entries, new Memos());
  return [...entries.hub_sources.rows.keys()];
}

it("a hub knows what other hosts' ports may send from beyond their addresses, each host's by itself", () => {
  const ports = [
    port("a", 1, ["172.16.0.0/12", "10.9.9.9/32"]),
    port("b", 2, ["10.9.9.9/32"]),
    port("c", 3, ["10.8.0.0/16"]),
    port("d", 2, []),
  ];
  expect(sources(opened([3, 4], ports))).toEqual([
    "5000 1 172.16.0.0/172",
    "5000 1 10.9.9.9/192",
    "5000 2 10.9.9.9/192",
  ]);
  expect(sources(opened([4, 5], ports))).toEqual([]);
});

it("one VPC's ranges leave room for the others'", () => {
  const ranges = Array.from({ length: 9000 }, (_, n) => `100.64.${n >> 8}.${n & 255}/32`);
  expect(sources(opened([3, 4], [port("a", 1, ranges)]))).toHaveLength(8192);
});
