import type { Lab } from "@onehop/lab";
import { ping } from "@onehop/lab/traffic/ping";
import { cpuPerPacket } from "../../figures/cpu.ts";
import { programNs, withStatistics } from "../../figures/programs.ts";
import type { BenchPath } from "../../paths/path.ts";
import { median, medianRatio } from "../../report/statistics.ts";
import { type Progress, Region } from "../region.ts";
import { addAddresses, pathOf } from "./guests.ts";
import { addFirst } from "./load.ts";

/** What a packet costs in the region, in one of ten ports beside it, and both by turns. */
export interface Cost {
  /** All programs together, medians of the rounds. */
  readonly program_ns: { readonly all: number; readonly ten: number };
  readonly cpu_ns: { readonly all: number; readonly ten: number };
  /** Medians of the rounds' ratios; undefined: no round could tell. */
  readonly program_ns_ratio: number | undefined;
  readonly cpu_ns_ratio: number | undefined;
  readonly rounds: readonly Round[];
}

interface Round {
  readonly program_ns: { readonly all: number; readonly ten: number };
  /** Undefined: the machine was too busy to tell. */
  readonly cpu_ns: { readonly all: number | undefined; readonly ten: number | undefined };
}

const ROUNDS = 9;
const SECONDS = 0.5;
/** A region of which only the first ten ports are made, between its two real hosts. */
const TEN = { ports: 10, hosts: 4, placement: "packed", others: 0 } as const;

/** The machine's clock drifts by more than what is looked for, so both are measured side by side. */
export async function costBesideTen(region: Region, path: BenchPath, progress: Progress): Promise<Cost> {
  const ten = await Region.up(TEN, () => undefined);
  try {
    await addFirst(ten);
    await addAddresses(ten);
    const other = await pathOf(ten);
    await ten.loseControl();
    const sides = [
      { name: "all", lab: region.lab, path },
      { name: "ten", lab: ten.lab, path: other },
    ] as const;
    // What agents look after now and then would be counted for packets.
    for (const one of [region, ten]) one.agents("SIGSTOP");
    const rounds: Round[] = [];
    for (let n = 1; n <= ROUNDS; n++) {
      progress(`The data plane's cost: round ${n} of ${ROUNDS}`);
      rounds.push(await roundOf(n % 2 === 0 ? sides : [...sides].reverse()));
    }
    return summary(rounds);
  } finally {
    for (const one of [region, ten]) one.agents("SIGCONT");
    await ten.close();
  }
}

interface Side {
  readonly name: "all" | "ten";
  readonly lab: Lab;
  readonly path: BenchPath;
}

async function roundOf(sides: readonly Side[]): Promise<Round> {
  const program_ns = { all: 0, ten: 0 };
  const cpu_ns: { all: number | undefined; ten: number | undefined } = { all: undefined, ten: undefined };
  for (const { name, lab, path } of sides) {
    // Learned, and its host heard of lately.
    await ping({ namespace: path.from, to: path.address, count: 5 });
    const programs = await withStatistics(() => programNs(lab, path, SECONDS));
    program_ns[name] = Object.values(programs).reduce((sum, ns) => sum + ns, 0);
    cpu_ns[name] = await cpuPerPacket(path, 4 * SECONDS).catch(() => undefined);
  }
  return { program_ns, cpu_ns };
}

function summary(rounds: readonly Round[]): Cost {
  const whole = rounds.flatMap(({ cpu_ns: { all, ten } }) => (all && ten ? [{ all, ten }] : []));
  const programs = rounds.map((round) => round.program_ns);
  const of = (pairs: readonly { all: number; ten: number }[]) => ({
    all: median(pairs.map((p) => p.all)) ?? 0,
    ten: median(pairs.map((p) => p.ten)) ?? 0,
  });
  const ratio = (pairs: readonly { all: number; ten: number }[]): number | undefined =>
    medianRatio(pairs.map((p) => [p.all, p.ten]));
  return {
    ...{ program_ns: of(programs), cpu_ns: of(whole) },
    ...{ program_ns_ratio: ratio(programs), cpu_ns_ratio: ratio(whole) },
    rounds,
  };
}
