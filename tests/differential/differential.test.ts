import { differential } from "@onehop/testkit/differential/run";
import { expect, test } from "vitest";

const seed = Number(process.env.ONEHOP_SEED ?? Math.floor(Math.random() * 2 ** 31));
const FULL = process.env.ONEHOP_FULL === "1";

/** At least so often must each of these have happened. */
const OFTEN = 500;
const CLASSES = ["other", "arp", "dhcp", "metadata", "broadcast", "layer2", "layer3", "overlay"];
/** The others cannot be made to happen at random: limits, devices that are gone and helpers that fail have tests of their own. */
const REASONS = [
  "malformed",
  "ethertype",
  "source_mac",
  "source_address",
  "arp_source",
  "broadcast",
  "service",
  "unknown_mac",
  "unknown_destination",
  "no_route",
  "next_hop",
  "ttl",
  "too_big",
  "unknown_host",
  "unknown_vni",
  "peer_vni",
  "router_mac",
  "not_here",
  "overlay_header",
  "overlay_class",
];
const CASES = ["same-net/same-host", "same-net/cross-host", "routed/same-host", "routed/cross-host"];
const PATHS = [
  "resolve",
  "gateway",
  "switch local",
  "switch wire",
  "switch peer",
  "route local",
  "route wire",
  "route peer",
  "via local",
  "via wire",
  "via peer",
  "route error",
  "via error",
  "switch error",
];

test("Q1 Q2 Q15 Q21 Q23: the programs do with random packets in random topologies what the model says", () => {
  console.log(`differential: seed ${seed}`);
  const report = differential({ seed, topologies: FULL ? 200 : 40, packets: 2600 });
  expect(report.differences.join("\n\n")).toBe("");
  expect(report.packets).toBeGreaterThanOrEqual(100_000);
  const wanted = [
    ...CLASSES.map((name) => `class ${name}`),
    ...REASONS.map((name) => `reason ${name}`),
    ...CASES.map((name) => `case ${name}`),
    ...PATHS.map((name) => `path ${name}`),
  ];
  const rare = wanted.filter((key) => (report.counts.get(key) ?? 0) < OFTEN);
  expect(rare.map((key) => `${key}: ${report.counts.get(key) ?? 0} times`)).toEqual([]);
}, 900_000);
