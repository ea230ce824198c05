import { cpuOf, PACED_RATE } from "../../figures/cpu.ts";
import { allProgramsNs, withStatistics } from "../../figures/programs.ts";
import { median, medianRatio, rounded, spreadOf } from "../../report/statistics.ts";
import type { LearnContext, LearnFigure } from "../figure.ts";
import type { Findings } from "../result.ts";
import { PAIRS_COST_AT_MOST } from "../targets.ts";
import { Crowd, type Sent, TALKS, type Talk } from "./crowd.ts";
import { inWorld } from "./world.ts";

interface Point {
  readonly program_ns: number;
  /** Undefined: the machine was too busy to tell. */
  readonly cpu_ns: number | undefined;
  /** Questions beside each packet. */
  readonly asked: number;
  /** Packets that were lost or went by a hub. */
  readonly astray: number;
}
type Round = Readonly<Record<Talk, Point>>;

export interface PairsCostOptions {
  readonly rounds: number;
  /** Of the stream whose programs are timed; the machine's needs twice as long. */
  readonly seconds: number;
}

/** A packet's cost by how many pairs talk, with the same guests at one rate, by turns. */
export const pairsCost: LearnFigure = {
  name: "pairs_cost",
  measure: (context) =>
    inWorld(1, context.progress, async (world) => {
      const pairs = context.quick ? 1000 : 10_000;
      context.progress(`Cost of pairs: guests with ${pairs} addresses`);
      const crowd = await Crowd.of(world, pairs);
      return measurePairsCost(crowd, { rounds: context.quick ? 3 : 25, seconds: 1 }, context);
    }),
};

type Watcher = Pick<LearnContext, "progress" | "problem" | "signal">;

export async function measurePairsCost(
  crowd: Crowd,
  { rounds, seconds }: PairsCostOptions,
  { progress, problem, signal }: Watcher,
): Promise<Findings> {
  await crowd.learn();
  const all = await crowd.world.withoutControl(async () => {
    const done: Round[] = [];
    for (let n = 0; n < rounds; n++) {
      signal.throwIfAborted();
      progress(`Cost of ${crowd.pairs} pairs: round ${n + 1} of ${rounds}`);
      done.push(await roundOf(crowd, n, seconds));
    }
    return done;
  });
  const astray = all.flatMap((round) => TALKS.map((talk) => round[talk].astray)).reduce((sum, n) => sum + n, 0);
  if (astray > 0) problem(`${astray} packets went by a hub or were lost.`);
  return found(crowd.pairs, all, astray);
}

/** Each second round the other way round: a slow moment meets all alike. */
async function roundOf(crowd: Crowd, n: number, seconds: number): Promise<Round> {
  const points: Partial<Record<Talk, Point>> = {};
  for (const talk of n % 2 === 0 ? TALKS : TALKS.toReversed()) points[talk] = await pointOf(crowd, talk, seconds);
  return points as Round;
}

async function pointOf(crowd: Crowd, talk: Talk, seconds: number): Promise<Point> {
  let [sent, asked, astray] = [0, 0, 0];
  const stream = async (length: number): Promise<Sent> => {
    const seen = await crowd.send(talk, length, PACED_RATE);
    sent += seen.sent;
    asked += seen.asked;
    astray += seen.sent - seen.received + seen.by_hub;
    return seen;
  };
  const program_ns = await withStatistics(() => allProgramsNs(crowd.world.lab, () => stream(seconds)));
  const cpu_ns = await cpuOf(2 * seconds, () => stream(2 * seconds)).catch(() => undefined);
  return { program_ns, cpu_ns, asked: asked / sent, astray };
}

type Figure = "program_ns" | "cpu_ns" | "asked";

function found(pairs: number, rounds: readonly Round[], astray: number): Findings {
  const of = (talk: Talk, what: Figure): number[] => rounds.flatMap((round) => round[talk][what] ?? []);
  /** What a packet of all pairs costs by what one of fewer does. */
  const ratio = (fewer: Talk, what: Figure): number | undefined =>
    medianRatio(rounds.map((round) => [round.all[what], round[fewer][what]]));
  const told = rounds.filter(({ each, all }) => each.cpu_ns !== undefined && all.cpu_ns !== undefined).length;
  const programs = (talk: Talk): number => rounded(median(of(talk, "program_ns"))!);
  const spreads = TALKS.map((talk) => [talk, spreadsOf((what) => of(talk, what))]);
  const cost = {
    pairs,
    program_ns: { one: programs("one"), each: programs("each"), all: programs("all") },
    program_ns_ratio: ratio("each", "program_ns")!,
    cpu_ns_ratio: told > rounds.length / 2 ? ratio("each", "cpu_ns")! : null,
  };
  const isSame = cost.cpu_ns_ratio !== null && cost.cpu_ns_ratio <= PAIRS_COST_AT_MOST;
  return {
    pairs_cost: cost,
    // It speaks of the hosts' whole processor time.
    promises: { Q26: astray === 0 && isSame },
    details: {
      ...{ packets_a_second: PACED_RATE, astray },
      by_one: { program_ns_ratio: ratio("one", "program_ns"), cpu_ns_ratio: ratio("one", "cpu_ns") },
      samples: Object.fromEntries(spreads),
    },
  };
}

const spreadsOf = (of: (what: Figure) => number[]) => ({
  asked: spreadOf(of("asked")),
  program_ns: spreadOf(of("program_ns")),
  cpu_ns: spreadOf(of("cpu_ns")),
});
