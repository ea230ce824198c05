import { Lab, until } from "@onehop/lab";
import { ping } from "@onehop/lab/traffic/ping";
import { documents } from "@onehop/testkit/netns/documents";
import { connections } from "../../figures/connections.ts";
import { programNs, withStatistics } from "../../figures/programs.ts";
import { roundTrip } from "../../figures/round_trip.ts";
import { tcp } from "../../figures/tcp.ts";
import { smallPackets } from "../../figures/udp.ts";
import type { BenchPath } from "../../paths/path.ts";
import { medianRatio, spreadOf } from "../../report/statistics.ts";
import type { LearnFigure } from "../figure.ts";
import type { Findings } from "../result.ts";

const REGION = documents({
  vpcs: { v: ["10.0.0.0/16"] },
  networks: { "v/front": "10.0.1.0/24", "v/back": "10.0.2.0/24" },
  ports: {
    from: { in: "v/front", address: "10.0.1.10", host: "h1" },
    to: { in: "v/back", address: "10.0.2.10", host: "h2" },
  },
});

interface Side {
  readonly lab: Lab;
  readonly path: BenchPath;
}

/** Those of the benchmark that a routed path between hosts has. */
const FIGURES = {
  tcp1_gbps: { measure: ({ path }: Side) => tcp(path, 1, TCP_SECONDS), better: "more" },
  tcp8_gbps: { measure: ({ path }: Side) => tcp(path, 8, TCP_SECONDS), better: "more" },
  udp64_kpps: { measure: ({ path }: Side) => smallPackets(path, SECONDS), better: "more" },
  rtt_us: { measure: ({ path }: Side) => roundTrip(path, SECONDS), better: "less" },
  cps: { measure: ({ path }: Side) => connections(path, SECONDS), better: "more" },
  programs_ns: { measure: programs, better: "less" },
} as const;

/** All programs that a packet meets. */
async function programs({ lab, path }: Side): Promise<number> {
  const found = await withStatistics(() => programNs(lab, path, SECONDS / 5));
  return Object.values(found).reduce((sum, ns) => sum + ns, 0);
}
type Name = keyof typeof FIGURES;
const NAMES = Object.keys(FIGURES) as Name[];
const KINDS = ["learned", "pushed"] as const;
/** Of a point. What a TCP stream gets depends much on its start. */
const SECONDS = 1;
const TCP_SECONDS = 2;
type Kind = (typeof KINDS)[number];
type Samples = Readonly<Record<Name, Record<Kind, number[]>>>;

/** The direct path with an entry that was learned, beside one that was pushed, by turns. */
export const cost: LearnFigure = {
  name: "cost",
  measure: async ({ quick, progress, signal }) => {
    const pushed = await Lab.up({ hosts: 2, progress });
    try {
      const learned = await Lab.up({ hosts: 4, hubs: 2, progress });
      try {
        const sides = {
          pushed: { lab: pushed, path: await pathOf(pushed) },
          learned: { lab: learned, path: await pathOf(learned) },
        };
        const rounds = quick ? 3 : 21;
        const samples = Object.fromEntries(NAMES.map((name) => [name, none()])) as Samples;
        for (let n = 0; n < rounds; n++) {
          signal.throwIfAborted();
          progress(`Cost of learning: round ${n + 1} of ${rounds}`);
          await round(sides, samples, n);
        }
        return found(samples);
      } finally {
        await learned.close();
      }
    } finally {
      await pushed.close();
    }
  },
};

const none = (): Record<Kind, number[]> => ({ learned: [], pushed: [] });

async function pathOf(lab: Lab): Promise<BenchPath> {
  await lab.apply(REGION);
  await lab.realised();
  const guests = await lab.guests();
  const [from, to] = ["from", "to"].map((name) => guests.find((g) => g.port === name)!.namespace) as [string, string];
  const path: BenchPath = { name: "onehop-routed", from, to, address: "10.0.2.10" };
  await until("the path to be warm", async () => {
    const { received } = await ping({ namespace: from, to: path.address, count: 20 });
    return received === 20 || undefined;
  });
  return path;
}

/** Figure after figure by turns, and each second round the other way round: a slow moment meets both alike. */
async function round(sides: Readonly<Record<Kind, Side>>, samples: Samples, n: number): Promise<void> {
  for (const name of NAMES)
    for (const kind of n % 2 === 0 ? KINDS : KINDS.toReversed())
      samples[name][kind].push(await FIGURES[name].measure(sides[kind]));
}

function found(samples: Samples): Findings {
  const ratios = NAMES.map((name) => {
    const { learned, pushed } = samples[name];
    const rounds = learned.map((value, i) => [value, pushed[i]] as const);
    const better = FIGURES[name].better === "more" ? rounds : rounds.map(([l, p]) => [p, l] as const);
    return [name, medianRatio(better)!] as const;
  });
  const spreads = NAMES.map((name) => {
    const { learned, pushed } = samples[name];
    return [name, { learned: spreadOf(learned), pushed: spreadOf(pushed) }] as const;
  });
  return {
    bench_ratio: Math.min(...ratios.map(([, ratio]) => ratio)),
    details: { ratios: Object.fromEntries(ratios), samples: Object.fromEntries(spreads) },
  };
}
