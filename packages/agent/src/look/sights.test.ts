import { packet } from "@onehop/core";
import { Learns, Place, RouteKind } from "@onehop/datapath/maps.gen";
import { beforeEach, expect, it } from "vitest";
import { FakeKernel } from "../kernel/fake.ts";
import type { Tried } from "../kernel/kernel.ts";
import type { Rows } from "../lower/index.ts";
import { Sights } from "./sights.ts";

const GATEWAY_MAC = "0e:00:00:00:00:01";
const endpoint: Rows["endpoints"][1] = {
  ...{ port: "00000000-0000-4000-8000-000000000001", generation: 1, vpc: 5000, network: 5001, ifindex: 9, mtu: 1450 },
  ...{ address: "10.0.1.5", gateway: "10.0.1.1", mac: "0a:00:00:00:00:01", gateway_mac: GATEWAY_MAC, device: 1 },
  ...{ has_allowed: 0, learns: Learns.YES, near: 24 },
};
let kernel: FakeKernel;
beforeEach(() => {
  kernel = new FakeKernel();
  kernel.write("endpoints", [[0, endpoint]]);
  const via = { kind: RouteKind.VIA, next_hop: "10.0.1.9" };
  kernel.write("routes", [[{ prefix: 128 + 24, vpc: 5000, address: "172.16.0.0" }, via]]);
  const pushed = { network: 5001, where: 2, mac: "0a:00:00:00:00:09", place: Place.REMOTE };
  kernel.write("destinations", [[{ vpc: 5000, address: "10.0.1.9" }, pushed]]);
});

/** Tables and addresses that the stage "route" of a frame to the address looked at. */
function lookedAt(dst: string): string[] {
  const frame = packet.frame(
    packet.eth({ src: endpoint.mac, dst: GATEWAY_MAC }),
    packet.ipv4({ src: endpoint.address, dst }),
    packet.udp({}),
  );
  const tried = { action: "drop", slot: 0, host: 0 } as unknown as Tried;
  const { found } = new Sights(kernel, { slot: 0, layers: packet.decode(frame) }, tried);
  return found.get("route")!.map(({ table, key }) => `${table} ${(key as { address?: string }).address ?? ""}`.trim());
}

it("where nothing can be pushed, only what was learned was looked at", () => {
  expect(lookedAt("10.0.1.9")).toEqual(["destinations 10.0.1.9"]);
  expect(lookedAt("10.0.2.9")).toEqual(["learned 10.0.2.9"]);
  kernel.write("endpoints", [[0, { ...endpoint, near: 0 }]]);
  expect(lookedAt("10.0.2.9")).toEqual(["destinations 10.0.2.9", "learned 10.0.2.9"]);
  kernel.write("endpoints", [[0, { ...endpoint, learns: Learns.NO }]]);
  expect(lookedAt("10.0.2.9")).toEqual(["destinations 10.0.2.9"]);
});

it("a far address whose route leads by a port that is near", () => {
  expect(lookedAt("172.16.0.7")).toEqual(["learned 172.16.0.7", "routes 172.16.0.0", "destinations 10.0.1.9"]);
});
