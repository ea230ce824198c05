import { cpuOf, PACED_RATE } from "../../figures/cpu.ts";
import { allProgramsNs, withStatistics } from "../../figures/programs.ts";
import { median, medianRatio, rounded, spreadOf } from "../../report/statistics.ts";
import type { LearnContext, LearnFigure } from "../figure.ts";
import type { Findings } from "../result.ts";
import { PAIRS_COST_AT_MOST } from "../targets.ts";
import { Crowd, type Sent } from "./crowd.ts";
import { inWorld } from "./world.ts";

/** One pair; all pairs; and all of them while none is to be asked about, which leaves the look-ups. */
const KINDS = ["one", "many", "unasked"] as const;
type Kind = (typeof KINDS)[number];

interface Point {
  readonly program_ns: number;
  /** Undefined: the machine was too busy to tell. */
  readonly cpu_ns: number | undefined;
  /** Questions beside each packet. */
  readonly asked: number;
  /** Packets that were lost or went by a hub. */
  readonly astray: number;
}
type Round = Readonly<Record<Kind, Point>>;

export interface PairsCostOptions {
  readonly rounds: number;
  /** Of the stream whose programs are timed; the machine's needs twice as long. */
  readonly seconds: number;
}

/** A packet's cost where many pairs talk and where one does, at one rate, by turns. */
export const pairsCost: LearnFigure = {
  name: "pairs_cost",
  measure: (context) =>
    inWorld(1, context.progress, async (world) => {
      const pairs = context.quick ? 1000 : 10_000;
      context.progress(`Cost of pairs: guests with ${pairs} addresses`);
      const crowd = await Crowd.of(world, pairs);
      return measurePairsCost(crowd, { rounds: context.quick ? 3 : 7, seconds: 1 }, context);
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
  const astray = all.flatMap((round) => KINDS.map((kind) => round[kind].astray)).reduce((sum, n) => sum + n, 0);
  if (astray > 0) problem(`${astray} packets went by a hub or were lost.`);
  return found(crowd.pairs, all, astray);
}

/** Each second round the other way round: a slow moment meets all alike. */
async function roundOf(crowd: Crowd, n: number, seconds: number): Promise<Round> {
  const points: Partial<Record<Kind, Point>> = {};
  for (const kind of n % 2 === 0 ? KINDS : KINDS.toReversed()) {
    crowd.refreshing(kind === "unasked" ? "later" : "usual");
    points[kind] = await pointOf(crowd, kind, seconds);
  }
  return points as Round;
}

async function pointOf(crowd: Crowd, kind: Kind, seconds: number): Promise<Point> {
  let [sent, asked, astray] = [0, 0, 0];
  const stream = async (length: number): Promise<Sent> => {
    const seen = await crowd.send(kind === "one" ? "one" : "many", length, PACED_RATE);
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
  const of = (kind: Kind, what: Figure): number[] => rounds.flatMap((round) => round[kind][what] ?? []);
  const ratio = (kind: Kind, what: Figure): number | undefined =>
    medianRatio(rounds.map((round) => [round[kind][what], round.one[what]]));
  const told = rounds.filter(({ one, many }) => one.cpu_ns !== undefined && many.cpu_ns !== undefined).length;
  const programs = (kind: Kind): number => rounded(median(of(kind, "program_ns"))!);
  const spreads = KINDS.map((kind) => [
    kind,
    {
      asked: spreadOf(of(kind, "asked")),
      program_ns: spreadOf(of(kind, "program_ns")),
      cpu_ns: spreadOf(of(kind, "cpu_ns")),
    },
  ]);
  const cost = {
    pairs,
    program_ns: { one: programs("one"), many: programs("many") },
    program_ns_ratio: ratio("many", "program_ns")!,
    cpu_ns_ratio: told > rounds.length / 2 ? ratio("many", "cpu_ns")! : null,
  };
  const isSame = (value: number | null): boolean => value !== null && value <= PAIRS_COST_AT_MOST;
  return {
    pairs_cost: cost,
    promises: { Q26: astray === 0 && isSame(cost.program_ns_ratio) && isSame(cost.cpu_ns_ratio) },
    details: {
      ...{ packets_a_second: PACED_RATE, astray },
      unasked: { program_ns_ratio: ratio("unasked", "program_ns"), cpu_ns_ratio: ratio("unasked", "cpu_ns") },
      samples: Object.fromEntries(spreads),
    },
  };
}
