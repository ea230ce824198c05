import { expect, test } from "vitest";
import { topPairs } from "./top.ts";

const pair = (vpc: number, n: number, bytes: number) => ({
  vpc,
  src: "10.0.1.1",
  dst: `10.1.${n >> 8}.${n & 255}`,
  packets: 2,
  bytes,
});

test("A VPC's pairs are told however many larger ones another VPC has.", () => {
  const loud = Array.from({ length: 5000 }, (_, n) => pair(5000, n, 1_000_000 + n));
  const quiet = [pair(6000, 1, 100), pair(6000, 2, 200)];
  expect(topPairs([...loud, ...quiet], 2, [6000]).map((row) => row.tx_bps)).toEqual([800, 400]);
  expect(topPairs([...loud, ...quiet], 2)).toHaveLength(1000);
});
