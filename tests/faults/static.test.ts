import { fileURLToPath } from "node:url";
import { run } from "@onehop/lab";
import { beforeAll, describe, expect, it } from "vitest";
import { runStatic, type StaticResult } from "./static.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const HOUR_MS = 3_600_000;
const ALONE_MS = process.env.ONEHOP_FULL === "1" ? HOUR_MS : 0;

describe("with everything that decides gone, every agent started anew, and a host and both hubs having lost their power", () => {
  let result: StaticResult;
  beforeAll(async () => {
    await run([`${ROOT}/tools/setup.sh`]);
    result = await runStatic({ aloneMs: ALONE_MS });
  }, ALONE_MS + 180_000);

  it("Q52: guests of other hosts lose no packet, until the end", () => {
    expect(result.sent).toBeGreaterThan(1000);
    expect(result.lost).toBe(0);
  });

  it("the guests of the host that had no power are there again, from its disk alone, and no packet of theirs met half a plan", () => {
    expect(result.reboot_s).toBeGreaterThan(0);
    expect(result.dropped_at_reboot).toEqual({});
  });

  it("pairs that never talked learn of one another", () => {
    expect(result.new_pairs).toBe(4);
  });

  it("D2: guests of different subnets and hosts lose no packet while no host works but their own two", () => {
    expect(result.without_hubs).toEqual({ sent: 200, received: 200 });
  });

  it("every host is as a compile of the whole store wants it, once store and controllers are back and changes were made", () => {
    expect(result.return_s).toBeGreaterThan(0);
  });
});
