import { fileURLToPath } from "node:url";
import { run } from "@onehop/lab";
import { beforeAll, describe, expect, test } from "vitest";
import type { ScaleResult } from "../../bench/scale/result.ts";
import { scale, TEST } from "../../bench/scale/scale.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const SHAPE = { ports: 2000, hosts: 20, placement: "packed", others: 24 } as const;
let result: ScaleResult;

/** All of it once; what is asked here is what happened, never how long it took. */
beforeAll(async () => {
  await run([`${ROOT}/tools/setup.sh`]);
  result = await scale(SHAPE, { progress: () => undefined, signal: new AbortController().signal, amounts: TEST });
}, 240_000);

describe("what npm run scale measures, at 2,000 ports and 20 hosts", () => {
  test("every part of the run found its figures", () => {
    expect(result.problems).toEqual([]);
  });

  test("Q3 D4: all ports are loaded by the bulk API, every host has a stream to each controller, and random pairs connect", () => {
    expect(result.promises).toMatchObject({ Q3: true, D4: true });
  });

  test("Q4: a host holds entries for its own ports and networks, and what its guests talk to", () => {
    expect(result.promises.Q4).toBe(true);
    expect(result.entries!.busy_host).toBeGreaterThan(result.entries!.idle_host);
  });

  test("Q9 Q10 Q18: a new port is reachable from another host under churn, and no host hears of a network that is not its own", () => {
    expect(result.promises).toMatchObject({ Q9: true, Q10: true, Q18: true });
    expect(result.fanout_per_event!.max).toBeLessThanOrEqual(result.interested_hosts!.max);
  });

  test("D5 Q17: shards of a killed and of a paused controller are served by others, which do harm to nobody", () => {
    expect(result.promises.D5).toBe(true);
    expect(result.controller_kill_ms!.p50).toBeGreaterThan(0);
  });
});
