import type { HostPlan, LearnedAnswer, Slice, VpcLearning } from "@onehop/core";
import { expect, it } from "vitest";
import { learnedAnswer } from "../src/look/learned.ts";
import { hostAnswer } from "../src/report/answers.ts";
import { makeMetrics } from "../src/report/metrics.ts";
import { FakeHost, planOf } from "./world.ts";

const USE = { entries: 3, aged: 4, evicted: 5, refused: 6 };
const LEARNING: VpcLearning = {
  ...{ mode: "direct", hubs: [2, 3], in_sync: [2, 3], epoch: 1, max_learned: 100 },
  ...{ key: { version: 1, current: "aa".repeat(16) }, asks: { rate: 1, burst: 1 }, port_asks: { rate: 1, burst: 1 } },
};

async function learningHost(): Promise<FakeHost> {
  const host = new FakeHost();
  const slices = [...planOf(1, [{ name: "a1", host: 1 }])].map(([id, slice]): [typeof id, Slice] => [
    id,
    slice.type === "vpc" ? { ...slice, learning: LEARNING } : slice,
  ]);
  await host.reconciler.run(new Map(slices) satisfies HostPlan);
  host.kernel.sent = { direct: 98, by_hub: 2 };
  host.kernel.uses = [{ vpc: 5000, ...USE }];
  return host;
}

it("which way a VPC's packets went, their ratio, and what was learned of it are metrics by its VNI and its id", async () => {
  const { kernel, reconciler } = await learningHost();
  const vpcIds = () => new Map([[5000, "the-id"]]);
  const { registry } = makeMetrics(
    () => ({ kernel, mirror: reconciler.mirror, vpcIds }),
    () => true,
  );
  const labels = 'vpc="5000",vpc_id="the-id"';
  const lines = (await registry.metrics()).split("\n").filter((line) => line.includes("the-id"));
  expect(lines).toEqual([
    `onehop_datapath_routed_packets_total{${labels},way="direct"} 98`,
    `onehop_datapath_routed_packets_total{${labels},way="hub"} 2`,
    `onehop_datapath_one_hop_ratio{${labels}} 0.98`,
    `onehop_datapath_learned_addresses{${labels}} 3`,
    `onehop_datapath_unlearned_addresses_total{${labels},why="aged"} 4`,
    `onehop_datapath_unlearned_addresses_total{${labels},why="evicted"} 5`,
    `onehop_datapath_unlearned_addresses_total{${labels},why="refused"} 6`,
  ]);
});

it("how full a VPC's room is, and what went, is told to who asks for the host or for what was learned", async () => {
  const { kernel, reconciler } = await learningHost();
  const known = { kernel, mirror: reconciler.mirror, problems: [] };
  expect(hostAnswer(known).learned).toEqual({ 5000: USE });
  const asked = (vpcs: readonly number[]): LearnedAnswer => learnedAnswer({ what: "learned", vpcs }, known);
  expect(asked([5000]).use).toEqual([{ vpc: 5000, ...USE }]);
  expect(asked([6000]).use).toEqual([]);
});
