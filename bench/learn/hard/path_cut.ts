import { until } from "@onehop/lab";
import type { LearnContext, LearnFigure } from "../figure.ts";
import { quantiles } from "../quantiles.ts";
import type { Findings } from "../result.ts";
import { Flow } from "./flow.ts";
import { HardLab } from "./lab.ts";

export interface PathCuts {
  /** Silences of the flows whose path was cut, ms: two of each cut, there and back. */
  readonly silences: readonly number[];
  /** From mending until packets go straight again, ms, of the first cuts: each lets the host wait longer. */
  readonly back_ms: readonly number[];
  /** Packets lost of the flow to a host whose path was whole. */
  readonly lost: number;
}

/** Cuts after which the hosts' opinion of each other is left as it is. */
const DAMPED = 3;

/** Cuts the path between h1 and h2 so many times, with a flow each way on it, and one from h1 to h3 beside. */
export async function cutPaths(hard: HardLab, rounds: number, { progress, signal }: Watcher): Promise<PathCuts> {
  const [g1, g2, g3] = ["g1", "g2", "g3"].map((name) => hard.guest(name)) as [Guest, Guest, Guest];
  const beside = await Flow.start({ from: g1, to: g3 });
  const there = await Flow.start({ from: g1, to: g2 });
  const back = await Flow.start({ from: g2, to: g1 });
  const silences: number[] = [];
  const back_ms: number[] = [];
  try {
    for (let round = 0; round < rounds; round++) {
      signal.throwIfAborted();
      silences.push(...(await cutOne(hard, [there, back])));
      const took = await mend(hard, round < DAMPED ? "damped" : "at once");
      if (round < DAMPED) back_ms.push(took);
      progress(`Path cut ${round + 1} of ${rounds} times: ${silences.at(-1)!.toFixed(0)} ms`);
    }
    const { sent, received } = await beside.stop();
    return { silences, back_ms, lost: sent - received };
  } finally {
    await Promise.all([beside.kill(), there.kill(), back.kill()]);
  }
}

type Guest = ReturnType<HardLab["guest"]>;
type Watcher = Pick<LearnContext, "progress" | "signal">;
const ENDS = ["g1", "g2"];

async function cutOne(hard: HardLab, flows: readonly Flow[]): Promise<number[]> {
  await straight(hard);
  const start = process.hrtime.bigint();
  await hard.path("h1", "h2", "cut");
  await until("both flows to be heard again", () => flows.every((f) => f.longestSince(start) > LEAST_MS) || undefined);
  return flows.map((flow) => flow.longestSince(start));
}

/** A host is never found silent sooner (packages/datapath/bpf/stages/peer.h); shorter silences are the machine's. */
const LEAST_MS = 96;

async function mend(hard: HardLab, how: "damped" | "at once"): Promise<number> {
  await hard.path("h1", "h2", "whole");
  const start = performance.now();
  if (how === "at once")
    for (const [at, about] of [
      ["h1", "h2"],
      ["h2", "h1"],
    ] as const)
      hard.calm(at, about);
  await straight(hard);
  return performance.now() - start;
}

/** Nothing goes by a hub for so many looks: probes that were on their way have been answered. */
const LOOKS = 15;

const straight = (hard: HardLab): Promise<unknown> => {
  let last: readonly number[] = [];
  let still = 0;
  return until("both flows to go straight", () => {
    const now = ENDS.map((name) => hard.ways(name).by_hub);
    still = now.every((n, i) => n === last[i]) ? still + 1 : 0;
    last = now;
    return still >= LOOKS || undefined;
  });
};

async function measure({ quick, ...context }: LearnContext): Promise<Findings> {
  const hard = await HardLab.up(context.progress);
  try {
    const { silences, back_ms, lost } = await cutPaths(hard, quick ? 5 : 30, context);
    const path_cut_ms = quantiles(silences);
    if (back_ms[0]! < HOLD_MS) context.problem(`a path was used again ${back_ms[0]} ms after it was whole`);
    return { path_cut_ms, details: { silences, back_ms, lost } };
  } finally {
    await hard.close();
  }
}

/** The shortest damping (packages/datapath/bpf/stages/peer.h), from the first answer on. */
const HOLD_MS = 500;

export const pathCut: LearnFigure = { name: "path_cut", measure };
