import { describe, expect, it } from "vitest";
import { FIGURES } from "../figures/figure.ts";
import { PATHS, type PathName } from "../paths/path.ts";
import { type Offloads, pointsOf, Samples } from "../rounds.ts";
import { chart } from "./chart.ts";
import { ratiosOf, targetsOf } from "./ratios.ts";
import { type Measured, resultOf } from "./result.ts";
import { type Row, rowsOf } from "./row.ts";
import { median, spreadOf } from "./statistics.ts";
import { table } from "./table.ts";

const PROGRAMS = { "onehop-routed": { from_endpoint: 260.4, from_uplink: 190 } };

/** Three rounds in which every figure of the path is `factor` times what the host's is. */
function samplesOf(factors: Partial<Record<PathName, number>>): Samples {
  const samples = new Samples();
  for (const round of [0, 1, 2])
    for (const point of pointsOf(round)) {
      const factor = factors[point.path];
      if (factor !== undefined) samples.add(point, factor * (10 + round));
    }
  return samples;
}

const FACTORS = {
  host: 1,
  "onehop-routed": 0.96,
  "onehop-routed-tap": 0.6,
  "bridge-vxlan": 0.5,
  "ovs-userspace": 0.02,
};
const ROWS = rowsOf(samplesOf(FACTORS), PROGRAMS);
const rowOf = (rows: readonly Row[], path: PathName, offloads: Offloads = "on"): Row =>
  rows.find((row) => row.path === path && row.offloads === offloads)!;

const MEASURED: Measured = {
  rows: ROWS,
  controlPlane: { port_realised_ms: spreadOf([80, 100, 90])!, read_ms: spreadOf([1])! },
  wayProblems: [],
  problems: [],
  conditions: {
    rounds: 3,
    seconds_a_point: 1,
    kernel: "6.18.0",
    processor: "a processor",
    processors: 2,
    underlay_mtu: 1550,
    load_before: 0.1,
    took_s: 100,
  },
};

describe("statistics", () => {
  it("A median is the middle value, of two middle ones the mean, and of nothing nothing.", () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([4, 1, 2, 3])).toBe(2.5);
    expect(median([])).toBeUndefined();
  });

  it("A spread has the extremes, and the samples in the order they were taken.", () => {
    expect(spreadOf([3.00004, 1, 2])).toEqual({ median: 2, min: 1, max: 3, samples: [3, 1, 2] });
    expect(spreadOf([])).toBeUndefined();
  });

  it("One slow round does not move a median.", () => {
    expect(spreadOf([10, 10.2, 0.1, 9.9, 10.1])!.median).toBe(10);
  });
});

describe("rows", () => {
  it("There is a row for each path, and two more without offloads that have TCP figures only.", () => {
    expect(ROWS.map((row) => `${row.path}/${row.offloads}`)).toEqual([
      ...PATHS.map((path) => `${path}/on`),
      "host/off",
      "onehop-routed/off",
    ]);
    const { tcp1_gbps, tcp8_gbps, udp64_kpps, rtt_us, cps, cpu_ns_per_packet } = rowOf(ROWS, "host", "off");
    expect([tcp1_gbps, tcp8_gbps]).toEqual([11, 11]);
    expect([udp64_kpps, rtt_us, cps, cpu_ns_per_packet]).toEqual([null, null, null, null]);
  });

  it("Figures are medians, with their spread beside them, and null where no round gave any.", () => {
    const row = rowOf(ROWS, "bridge-vxlan");
    expect(row.tcp1_gbps).toBe(5.5);
    expect(row.spread.tcp1_gbps).toMatchObject({ min: 5, max: 6, samples: [5, 5.5, 6] });
    expect(rowOf(ROWS, "onehop-same-net").udp64_kpps).toBeNull();
    expect(rowOf(ROWS, "onehop-routed").program_ns).toEqual({ from_endpoint: 260.4, from_uplink: 190 });
    expect(rowOf(ROWS, "host").program_ns).toBeNull();
  });
});

describe("ratios", () => {
  it("They are of the routed path's medians, with offloads on.", () => {
    expect(ratiosOf(ROWS)).toEqual({
      tcp1_vs_limit: 0.96,
      tcp8_vs_limit: 0.96,
      udp64_vs_limit: 0.96,
      udp64_vs_bridge_vxlan: 1.92,
      tcp1_vs_ovs_userspace: 48,
      rtt_added_us: -0.44,
      cps_vs_limit: 0.96,
      programs_ns: 450.4,
      tcp1_tap_vs_veth: 0.625,
    });
  });

  it("A ratio of which a part was not measured is null, and misses its target.", () => {
    const ratios = ratiosOf(rowsOf(samplesOf({ host: 1 }), {}));
    expect(Object.values(ratios)).toEqual(Array.from({ length: 9 }, () => null));
    expect(targetsOf(ratios).map(({ met }) => met)).toEqual(Array.from({ length: 7 }, () => false));
  });

  it("A target is met from its bound on, and not beyond.", () => {
    const met = (change: object): boolean[] =>
      targetsOf({ ...ratiosOf(ROWS), ...change })
        .filter(({ ratio }) => ratio in change)
        .map((target) => target.met);
    expect(met({ udp64_vs_limit: 0.65, rtt_added_us: 12, programs_ns: 500 })).toEqual([true, true, true]);
    expect(met({ udp64_vs_limit: 0.6499, rtt_added_us: 12.01, programs_ns: 500.1 })).toEqual([false, false, false]);
  });
});

describe("the result", () => {
  it("Q24: the promise holds where packets go from host to host and the round trip is at most 12 us longer.", () => {
    expect(resultOf(MEASURED).promises.Q24).toBe(true);
    expect(resultOf({ ...MEASURED, wayProblems: ["a detour"] }).promises.Q24).toBe(false);
    expect(resultOf({ ...MEASURED, wayProblems: undefined }).promises.Q24).toBe(false);
    const slow = rowsOf(samplesOf({ host: 1, "onehop-routed": 3 }), PROGRAMS);
    expect(resultOf({ ...MEASURED, rows: slow }).promises.Q24).toBe(false);
  });

  it("D19: control-plane figures stand apart from the rows of the data plane.", () => {
    const result = resultOf(MEASURED);
    expect(result.promises.D19).toBe(true);
    expect(result.control_plane?.port_realised_ms.median).toBe(90);
    const known = ["path", "offloads", ...FIGURES, "program_ns", "spread"].toSorted();
    for (const row of result.rows) expect(Object.keys(row).toSorted()).toEqual(known);
    expect(resultOf({ ...MEASURED, controlPlane: undefined }).promises.D19).toBe(false);
  });

  it("It is the same after a way through JSON.", () => {
    const result = resultOf(MEASURED);
    expect(JSON.parse(JSON.stringify(result))).toEqual(result);
  });

  it("The table has every path, every figure, what was missed and what went wrong.", () => {
    const text = table(resultOf({ ...MEASURED, problems: ["round 1: no datagram arrived"] }));
    for (const words of ["host to host", "Open vSwitch", "without offloads", "no datagram arrived", "260 + 190"])
      expect(text).toContain(words);
    for (const ratio of ["tcp1_vs_limit", "programs_ns"]) expect(text).toContain(ratio);
  });

  it("The chart has a bar for each median, and is the same for the same rows.", () => {
    const drawn = chart(ROWS);
    expect(chart(ROWS)).toBe(drawn);
    const medians = ROWS.flatMap((row) => Object.keys(row.spread));
    expect(drawn.match(/<rect [^>]*rx="2"/g)).toHaveLength(medians.length);
    expect(drawn).not.toMatch(/NaN|Infinity|undefined/);
  });
});
