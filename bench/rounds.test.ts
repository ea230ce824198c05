import { expect, it } from "vitest";
import { idleSeconds } from "./figures/cpu.ts";
import { mediansOf, perRun } from "./figures/programs.ts";
import { pointsOf, rowKey } from "./rounds.ts";

it("Every round has the same points, each once.", () => {
  const keys = (round: number): string[] => pointsOf(round).map((p) => `${rowKey(p)}/${p.figure}`);
  expect(new Set(keys(0)).size).toBe(7 * 6 + 2 * 2);
  expect(keys(1).toSorted()).toEqual(keys(0).toSorted());
});

it("Paths alternate within a figure, and every second round goes through them backwards.", () => {
  const paths = (round: number): string[] =>
    pointsOf(round)
      .filter((p) => p.figure === "udp64_kpps")
      .map((p) => p.path);
  expect(paths(0)).toEqual(paths(1).toReversed());
  expect(new Set(paths(0).slice(0, 7)).size).toBe(7);
});

it("The underlay's offloads are switched once in a round.", () => {
  const states = pointsOf(0).map((p) => p.offloads);
  expect(states.filter((state, i) => i > 0 && state !== states[i - 1])).toEqual(["off"]);
});

it("Idle time is what /proc/stat says of idling, waiting and time taken away.", () => {
  expect(idleSeconds("cpu  212872 0 46733 414700 900 0 3891 400 0 0\ncpu0 1 2 3 4 5 6 7 8 9 10\n")).toBe(4160);
});

it("A program's time is that of its runs between the two looks, and a bystander's is left out.", () => {
  const before = [{ id: 1, name: "from_endpoint", run_time_ns: 1000, run_cnt: 10 }];
  const after = [
    { id: 1, name: "from_endpoint", run_time_ns: 201_000, run_cnt: 1010 },
    { id: 2, name: "from_uplink", run_time_ns: 150_000, run_cnt: 1000 },
    { id: 3, name: "from_uplink", run_time_ns: 9_000, run_cnt: 3 },
    { id: 4, name: "from_overlay" },
  ];
  expect(perRun(before, after, 1000)).toEqual({ from_endpoint: 200, from_uplink: 150 });
});

it("Of several streams each program has its median.", () => {
  const streams = [
    { from_endpoint: 200, from_uplink: 100 },
    { from_endpoint: 900, from_uplink: 110 },
    { from_endpoint: 210 },
  ];
  expect(mediansOf(streams)).toEqual({ from_endpoint: 210, from_uplink: 105 });
});
