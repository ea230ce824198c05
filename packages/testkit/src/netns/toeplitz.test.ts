import { expect, test } from "vitest";
import { queueLoads, toeplitz } from "./toeplitz.ts";

/** Of Microsoft's "Verifying the RSS hash calculation": IPv4 with ports. */
test.each([
  ["66.9.149.187", 2794, "161.142.100.80", 1766, 0x51ccc178],
  ["199.92.111.2", 14230, "65.69.140.83", 4739, 0xc626b0ea],
  ["24.19.198.95", 12898, "12.22.207.184", 38024, 0x5c2b394a],
  ["38.27.205.30", 48228, "209.142.163.6", 2217, 0xafc7327f],
  ["153.39.163.191", 44251, "202.188.127.2", 1303, 0x10e828a2],
])("the hash of %s:%i to %s:%i is the published one", (src, sport, dst, dport, hash) => {
  expect(toeplitz({ src, dst, sport, dport })).toBe(hash);
});

test("packets of one tuple are all of one queue", () => {
  const tuple = { src: "192.0.2.1", dst: "192.0.2.2", sport: 50_000, dport: 4789 };
  expect(queueLoads([tuple, tuple, tuple], 8).filter((load) => load > 0)).toEqual([3]);
});
