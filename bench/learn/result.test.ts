import { describe, expect, test } from "vitest";
import type { LearnFigure } from "./figure.ts";
import { measureAll } from "./measure.ts";
import { frames } from "./plain/capture.ts";
import { quantile, quantiles } from "./quantiles.ts";
import { PROMISES } from "./result.ts";
import { table } from "./table.ts";

const options = { quick: true, progress: () => undefined, signal: new AbortController().signal };
const figure = (name: string, found: Awaited<ReturnType<LearnFigure["measure"]>>): LearnFigure => ({
  name,
  measure: async () => found,
});

describe("the result of npm run learn", () => {
  test("quantiles are samples, by nearest rank", () => {
    const samples = Array.from({ length: 200 }, (_, i) => 200 - i);
    expect(quantiles(samples)).toEqual({ p50: 100, p99: 198 });
    expect(quantile([7], 0.99)).toBe(7);
    expect(() => quantile([], 0.5)).toThrow();
  });

  test("what was not measured is null and not reached, and its promises are not kept", async () => {
    const result = await measureAll([], options);
    expect(result).toMatchObject({ first_packet_loss: null, storm: null, forged: null, problems: [] });
    expect(result.targets.some(({ met }) => met)).toBe(false);
    expect(Object.keys(result.promises)).toEqual([...PROMISES]);
    expect(Object.values(result.promises)).not.toContain(true);
  });

  test("a promise that several look at is kept where all of them saw it", async () => {
    const all = [
      figure("one", { first_packet_loss: 0, promises: { Q29: true, Q30: true }, details: { a: 1 } }),
      figure("two", { forged: { tried: 10_000, accepted: 1 }, promises: { Q30: false } }),
    ];
    const { promises, targets, details, first_packet_loss } = await measureAll(all, options);
    expect(promises).toMatchObject({ Q29: true, Q30: false });
    expect(first_packet_loss).toBe(0);
    expect(details).toEqual({ one: { a: 1 } });
    const met = Object.fromEntries(targets.map((t) => [t.figure, t.met]));
    expect(met).toMatchObject({ first_packet_loss: true, "forged.tried": true, "forged.accepted": false });
  });

  test("a promise that two measurements see one half each of is kept where both ran", async () => {
    const half = (name: string) => figure(name, { promises: { Q26: true } });
    const kept = async (...all: LearnFigure[]) => (await measureAll(all, options)).promises.Q26;
    expect(await kept(half("stream"))).toBe(false);
    expect(await kept(half("pairs_cost"))).toBe(false);
    expect(await kept(half("stream"), half("pairs_cost"))).toBe(true);
    expect(await kept(half("stream"), figure("pairs_cost", { promises: { Q26: false } }))).toBe(false);
  });

  test("a measurement that fails is told, and costs no other", async () => {
    const fails: LearnFigure = { name: "bad", measure: () => Promise.reject(new Error("no lab")) };
    const doubts: LearnFigure = {
      name: "odd",
      measure: async ({ problem }) => {
        problem("slow");
        return { bench_ratio: 1 };
      },
    };
    const result = await measureAll([fails, doubts], options);
    expect(result.problems).toEqual(["bad: no lab", "odd: slow"]);
    expect(result.bench_ratio).toBe(1);
    expect(table(result)).toContain("bad: no lab");
  });

  test("a capture's records are read with their nanoseconds, and a torn last one is left out", () => {
    const file = Buffer.alloc(24 + 16 + 3 + 8);
    file.writeUInt32LE(0xa1b23c4d, 0);
    file.writeUInt32LE(5, 24);
    file.writeUInt32LE(7, 28);
    file.writeUInt32LE(3, 32);
    file.set([1, 2, 3], 40);
    expect([...frames(file)]).toEqual([{ ns: 5_000_000_007n, bytes: Buffer.from([1, 2, 3]) }]);
    expect(() => [...frames(Buffer.alloc(24))]).toThrow("pcap");
  });
});
