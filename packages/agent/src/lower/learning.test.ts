import type { HostSlice, VpcSlice } from "@onehop/core";
import { LAYOUT } from "@onehop/datapath/maps.gen";
import { expect, it } from "vitest";
import { noEntries } from "./entries.ts";
import { lowerLearning } from "./learning.ts";

const learning = {
  ...{ hubs: [3, 4], in_sync: [3, 4], epoch: 1, max_learned: 16_384, asks: { rate: 1, burst: 1 } },
  ...{ port_asks: { rate: 1, burst: 1 }, key: { version: 1, current: "0".repeat(32) } },
};

function roomOf(vpcs: number): number[] {
  const slices = Array.from({ length: vpcs }, (_, n) => ({ vni: 5000 + n, learning }) as unknown as VpcSlice);
  const own = { number: 1 } as HostSlice;
  const entries = noEntries();
  const nothing = { hosts: [], hostByNumber: new Map(), networks: [], localIn: new Map(), local: [] };
  lowerLearning({ ...nothing, own, vpcs: slices }, entries);
  return [...entries.vpc_rules.rows.values()].map(([, { max_learned }]) => max_learned);
}

it("Q5: VPCs share the table of what is learned, so that none can take the room of another", () => {
  expect(roomOf(1)).toEqual([16_384]);
  for (const vpcs of [4, 5, 100, 1000]) {
    const rooms = roomOf(vpcs);
    expect(rooms.reduce((sum, room) => sum + room, 0)).toBeLessThanOrEqual(LAYOUT.maps.learned!.max_entries);
    expect(new Set(rooms).size).toBe(1);
  }
});
