/** A storm of one tenant beside another one, at small counts; `npm run learn` measures the same. */
import { fileURLToPath } from "node:url";
import { run } from "@onehop/lab";
import { afterAll, beforeAll, expect, test } from "vitest";
import { blowStorms } from "../../bench/learn/hard/storm.ts";
import { StormLab } from "../../bench/learn/hard/storm_lab.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const PROBES = 6;
const OPTIONS = { ports: 4, rounds: 30, turns: 1, probes: PROBES };
let storm: StormLab;
beforeAll(async () => {
  await run([`${ROOT}/tools/setup.sh`]);
  storm = await StormLab.up(OPTIONS.ports);
});
afterAll(() => storm?.hard.close());

test("D12: in a storm of one VPC's new pairs another VPC's established flow loses nothing, and its new pairs are all answered", async () => {
  const { by, recovered_s } = await blowStorms(storm, OPTIONS, {
    progress: () => undefined,
    signal: new AbortController().signal,
  });
  for (const way of ["asks", "no room", "hubs only"] as const) {
    const [weather] = by[way];
    expect({ way, lost: weather!.lost, lost_new_pairs: weather!.lost_new_pairs }).toEqual({
      ...{ way, lost: 0, lost_new_pairs: 0 },
    });
    expect(weather!.new_pair_us).toHaveLength(PROBES);
    expect(weather!.sent).toBeGreaterThan(0);
  }
  // Not all of it went by hubs, and what came after it learned.
  expect(by.asks[0]!.direct_part).toBeGreaterThan(by["hubs only"][0]!.direct_part);
  expect(recovered_s).toHaveLength(1);
});
