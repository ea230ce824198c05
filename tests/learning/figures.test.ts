import { fileURLToPath } from "node:url";
import { run } from "@onehop/lab";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Crowd } from "../../bench/learn/plain/crowd.ts";
import { learnsAlone, measureFirst } from "../../bench/learn/plain/first.ts";
import { Ghosts } from "../../bench/learn/plain/ghosts.ts";
import { measurePairsCost } from "../../bench/learn/plain/pairs_cost.ts";
import { measureSilence } from "../../bench/learn/plain/silence.ts";
import { measureStream } from "../../bench/learn/plain/stream.ts";
import { measureTables } from "../../bench/learn/plain/tables.ts";
import { PlainWorld } from "../../bench/learn/plain/world.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const ADDRESSES = 16;
/** The kernel sweeps every 10 s. */
const PATIENT = { timeout: 120_000 };
let world: PlainWorld;
let ghosts: Ghosts;
beforeAll(async () => {
  await run([`${ROOT}/tools/setup.sh`]);
  world = await PlainWorld.up(ADDRESSES);
  ghosts = await Ghosts.of(world);
});
afterAll(() => world?.close());

describe("what npm run learn measures, at small counts", () => {
  test("Q29 Q30 Q14 Q34: the first packet of each new pair is delivered by one hub, and the path is direct from the second on, both ways", async () => {
    const { promises, first_packet_loss, packets_until_direct, details } = await measureFirst(world, 8);
    expect(first_packet_loss).toBe(0);
    // Those whose lesson met a busy moment of the machine may be direct from a later one on; all are in the end.
    expect(packets_until_direct!.p50).toBe(2);
    expect(details).toMatchObject({ pairs: 8 * ADDRESSES, never_direct: 0, lost: 0, drops: {} });
    expect(promises).toMatchObject({ Q14: true, Q29: true, Q34: true });
  });

  test("Q32: the round trip of a first packet is told apart from those that follow", async () => {
    const { details, promises } = await measureFirst(world, 1);
    expect(promises).toMatchObject({ Q32: true });
    const { first, steady } = (details as { rtt_us: Record<"first" | "steady", { p50: number }> }).rtt_us;
    expect(first.p50).toBeGreaterThan(0);
    expect(steady.p50).toBeGreaterThan(0);
  });

  test("Q26: a bulk TCP stream has nothing on the hubs, and one that loses its entry is soon direct again", async () => {
    const { promises, details } = await measureStream(world, 20);
    expect(promises).toEqual({ Q26: true });
    const { times, relayed, stream } = details as { times: number; relayed: number; stream: { overflows: number } };
    expect(relayed).toBeGreaterThanOrEqual(times);
    expect(stream.overflows).toBe(0);
  });

  test(
    "Q4 Q5 Q8 Q16 Q19 Q33 D9 D11: tables and broadcasts do not grow with the VPC, and entries are pairs in use until they age",
    PATIENT,
    async () => {
      const { entries, promises } = await measureTables(world, ghosts, 200);
      expect(entries).toEqual({ used_pairs: ADDRESSES, host: ADDRESSES });
      expect(Object.entries(promises!).filter(([, kept]) => !kept)).toEqual([]);
    },
  );

  test("Q31: silent guests cause no message, and busy ones one question in 10 ms by hub and one a second straight", async () => {
    const { idle_messages, promises } = await measureSilence(world, ghosts, 1);
    expect(idle_messages).toBe(0);
    expect(promises).toEqual({ Q31: true });
  });

  test("Q26: packets of many pairs go straight and none is lost, and what one costs is told beside one pair's", async () => {
    const problems: string[] = [];
    const watcher = {
      progress: () => undefined,
      problem: (what: string) => void problems.push(what),
      signal: new AbortController().signal,
    };
    const crowd = await Crowd.of(world, 2 * ADDRESSES);
    const { pairs_cost, details } = await measurePairsCost(crowd, { rounds: 2, seconds: 0.2 }, watcher);
    expect(problems).toEqual([]);
    expect(details).toMatchObject({ astray: 0 });
    expect(pairs_cost).toMatchObject({ pairs: 2 * ADDRESSES });
    const { program_ns, program_ns_ratio } = pairs_cost!;
    for (const ns of [...Object.values(program_ns), program_ns_ratio]) expect(ns).toBeGreaterThan(0);
  });

  test("D10: with the controller dead and agents started anew, new pairs are delivered and learned", async () => {
    expect(await learnsAlone(world)).toBe(true);
  });
});
