import { learningDifferential } from "@onehop/testkit/differential/run_learning";
import { expect, test } from "vitest";

const seed = Number(process.env.ONEHOP_SEED ?? Math.floor(Math.random() * 2 ** 31));
const FULL = process.env.ONEHOP_FULL === "1";

/** At least so often must each of these have happened. */
const OFTEN = 50;
const REASONS = [
  "unknown_destination",
  "no_hub",
  "hub_source",
  "hops",
  "router_mac",
  "not_here",
  "next_hop",
  "ttl",
  "too_big",
];
const PATHS = [
  "route local",
  "route wire",
  "route learned wire",
  "route hub",
  "route hub relay",
  "route peer",
  "via local",
  "via wire",
  "via hub",
  "via hub relay",
  "relay",
];
const ANSWERS = ["teach", "unknown", "alive", "rejected"];
/** Where ports moved, or hubs lack some, it must have happened at all. */
const NOW_AND_THEN = [
  "path route hub relay relay",
  "path route learned wire relay",
  "path relay relay",
  "answer absent",
];

test("Q14 Q29 Q30: by a hub or straight, learned, stale or not known at all, what becomes of a packet is what the model says", () => {
  console.log(`differential with hubs: seed ${seed}`);
  const report = learningDifferential({ seed, topologies: FULL ? 150 : 15, packets: 2000 });
  expect(report.differences.join("\n\n")).toBe("");
  expect(report.packets).toBeGreaterThanOrEqual(30_000);
  const wanted = [
    ...REASONS.map((name) => [`reason ${name}`, OFTEN] as const),
    ...PATHS.map((name) => [`path ${name}`, OFTEN] as const),
    ...ANSWERS.map((name) => [`answer ${name}`, OFTEN] as const),
    ...NOW_AND_THEN.map((name) => [name, 1] as const),
  ];
  const rare = wanted.filter(([key, often]) => (report.counts.get(key) ?? 0) < often);
  expect(rare.map(([key]) => `${key}: ${report.counts.get(key) ?? 0} times`)).toEqual([]);
}, 900_000);
