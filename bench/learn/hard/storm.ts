import { until } from "@onehop/lab";
import { ping } from "@onehop/lab/traffic/ping";
import { median, rounded } from "../../report/statistics.ts";
import type { LearnContext, LearnFigure } from "../figure.ts";
import { quantile } from "../quantiles.ts";
import type { Findings } from "../result.ts";
import { Flow } from "./flow.ts";
import { addressOf, OTHERS } from "./lab.ts";
import { type Blown, type Learning, StormLab } from "./storm_lab.ts";

export interface StormOptions {
  /** On each side, of 16 addresses each. */
  readonly ports: number;
  /** Of all pairs, in each storm. */
  readonly rounds: number;
  /** Orders of the ways of learning; each way is measured once in each. */
  readonly turns: number;
  /** New pairs of the other tenant, and ports created, in each storm. */
  readonly probes: number;
}

/** What one storm did, and what others met meanwhile. */
interface Weather {
  readonly goodput_kpps: number;
  readonly delivered_part: number;
  readonly direct_part: number;
  /** The other tenant's established flow. */
  readonly lost: number;
  readonly sent: number;
  /** Of the other tenant's new pairs: the first packet there and back, by hub; and how many had no answer. */
  readonly new_pair_us: readonly number[];
  readonly lost_new_pairs: number;
  readonly create_ms: readonly number[];
}

/** By those who have nothing to do with a storm. */
type Looked = Pick<Weather, "new_pair_us" | "lost_new_pairs" | "create_ms">;

export interface Storms {
  readonly calm: Looked;
  readonly by: Readonly<Record<Learning, readonly Weather[]>>;
  readonly recovered_s: readonly number[];
}

const WAYS: readonly Learning[] = ["asks", "hubs only", "no room"];
/** The storm beside its control, there and back, so that a slow minute meets both; what finds no room once. */
const TURNS: readonly (readonly Learning[])[] = [WAYS, ["hubs only", "asks"]];

export async function blowStorms(storm: StormLab, options: StormOptions, context: Watcher): Promise<Storms> {
  const by: Record<Learning, Weather[]> = { asks: [], "no room": [], "hubs only": [] };
  const recovered_s: number[] = [];
  const others = new Others(storm, options.probes);
  storm.learning("asks");
  await storm.blow(1);
  const calm = await others.look();
  for (let turn = 0; turn < options.turns; turn++)
    for (const way of TURNS[turn % TURNS.length]!) {
      context.signal.throwIfAborted();
      const weather = await blowOne(storm, way, options.rounds, others);
      by[way].push(weather);
      if (way === "asks") recovered_s.push(await recovery(storm));
      context.progress(
        `Storm ${turn + 1} of ${options.turns}, ${way}: ${weather.goodput_kpps} kpps, ${weather.direct_part} direct, ` +
          `${(weather.delivered_part * 100).toFixed(2)} % delivered, others lost ${weather.lost} of ${weather.sent}`,
      );
    }
  storm.learning("asks");
  return { calm, by, recovered_s };
}

type Watcher = Pick<LearnContext, "progress" | "signal">;

async function blowOne(storm: StormLab, way: Learning, rounds: number, others: Others): Promise<Weather> {
  storm.learning(way);
  const [from, to] = [storm.hard.guest("o1"), storm.hard.guest("o2")];
  const flow = await Flow.start({ from, to });
  try {
    let seen: Looked = { new_pair_us: [], lost_new_pairs: 0, create_ms: [] };
    const blown = await storm.blow(rounds, async () => {
      seen = await others.look();
    });
    const { sent, received } = await flow.stop();
    return { ...goodput(blown), lost: sent - received, sent, ...seen };
  } finally {
    await flow.kill();
  }
}

const goodput = ({ sent, delivered, seconds, direct }: Blown) => ({
  goodput_kpps: rounded(delivered / seconds / 1000),
  delivered_part: rounded(delivered / sent),
  direct_part: rounded(direct),
});

/** From the storm's end until a pair that is new goes straight. */
async function recovery({ hard }: StormLab): Promise<number> {
  const start = performance.now();
  const key = { vpc: hard.guest("g1").vpc_vni, address: addressOf(3) };
  const { learned } = hard.maps("h1");
  learned.delete(key);
  await until("a new pair to be learned", async () => {
    await ping({ namespace: hard.guest("g1").namespace, to: addressOf(3), count: 1 });
    return learned.get(key) !== undefined || undefined;
  });
  return rounded((performance.now() - start) / 1000);
}

/** Those who have nothing to do with a storm. */
class Others {
  readonly #storm: StormLab;
  readonly #probes: number;
  #made = 0;

  constructor(storm: StormLab, probes: number) {
    this.#storm = storm;
    this.#probes = probes;
  }

  async look(): Promise<Looked> {
    const new_pair_us: number[] = [];
    const create_ms: number[] = [];
    for (let i = 0; i < this.#probes; i++) {
      const took = await this.#newPair(OTHERS[1 + (i % (OTHERS.length - 1))]!);
      if (took !== undefined) new_pair_us.push(took);
      create_ms.push(await this.#create());
    }
    return { new_pair_us, lost_new_pairs: this.#probes - new_pair_us.length, create_ms };
  }

  /** Of its first packet, in microseconds; both hosts forget the pair before. */
  async #newPair(to: string): Promise<number | undefined> {
    const { hard } = this.#storm;
    const { namespace, vpc_vni: vpc } = hard.guest("o1");
    hard.maps("h1").learned.delete({ vpc, address: to });
    hard.maps("h2").learned.delete({ vpc, address: addressOf(1) });
    return (await ping({ namespace, to, count: 1 })).rttUs;
  }

  /** A port in a network that no host serves: what the API takes, without a host's work. */
  async #create(): Promise<number> {
    const { hard, spare: network_id } = this.#storm;
    const { client } = hard.lab;
    const start = performance.now();
    const { id } = await client.create("ports", { name: `storm-${this.#made++}`, network_id });
    const took = performance.now() - start;
    await client.delete("ports", id);
    return took;
  }
}

const FULL: StormOptions = { ports: 63, rounds: 1, turns: 2, probes: 60 };
const QUICK: StormOptions = { ports: 10, rounds: 20, turns: 1, probes: 20 };

async function measure({ quick, ...context }: LearnContext): Promise<Findings> {
  const options = quick ? QUICK : FULL;
  const storm = await StormLab.up(options.ports, context.progress);
  try {
    context.progress(`Storms of ${storm.pairs} pairs, ${options.rounds} times each`);
    return findingsOf(await blowStorms(storm, options, context));
  } finally {
    await storm.hard.close();
  }
}

function findingsOf({ calm, by, recovered_s }: Storms): Findings {
  const speed = (way: Learning): number => median(by[way].map((w) => w.goodput_kpps))!;
  const pairs = (weathers: readonly Pick<Weather, "new_pair_us">[]) => median(weathers.flatMap((w) => w.new_pair_us))!;
  const creates = (weathers: readonly Pick<Weather, "create_ms">[]) =>
    quantile(
      weathers.flatMap((w) => w.create_ms),
      0.99,
    );
  const ratio = (a: number, b: number): number => rounded(a / b);
  // Of some dozens of calls the p99 is one call's luck: the worse of both controls is the measure.
  const create_p99_ratio = ratio(creates(by.asks), Math.max(creates([calm]), creates(by["hubs only"])));
  const summary = Object.fromEntries(
    WAYS.map((way) => [
      way,
      {
        goodput_kpps: by[way].map((w) => w.goodput_kpps),
        direct_part: by[way].map((w) => w.direct_part),
        delivered_part: by[way].map((w) => w.delivered_part),
        others_lost: by[way].map((w) => w.lost),
        others_sent: by[way].map((w) => w.sent),
        new_pair_us: pairs(by[way]),
        lost_new_pairs: lostPairs(by[way]),
        create_p99_ms: creates(by[way]),
      },
    ]),
  );
  return {
    storm: {
      goodput_ratio: ratio(speed("asks"), speed("hubs only")),
      recovered_s: Math.max(...recovered_s),
      other_tenant: {
        lost: by.asks.reduce((sum, w) => sum + w.lost, 0),
        lost_new_pairs: lostPairs(by.asks),
        new_pair_ratio: ratio(pairs(by.asks), pairs([calm])),
      },
    },
    promises: { D12: create_p99_ratio <= D12_MOST },
    details: {
      ...summary,
      calm: { new_pair_us: pairs([calm]), lost_new_pairs: calm.lost_new_pairs, create_p99_ms: creates([calm]) },
      overload_ratio: ratio(speed("no room"), speed("hubs only")),
      create_p99_ratio,
    },
  };
}

const lostPairs = (weathers: readonly Looked[]): number => weathers.reduce((sum, w) => sum + w.lost_new_pairs, 0);

/** Learning may not cost API calls anything; two runs differ by so much all the same. */
const D12_MOST = 1.5;

export const storm: LearnFigure = { name: "storm", measure };
