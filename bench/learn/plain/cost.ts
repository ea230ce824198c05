import { Lab, until } from "@onehop/lab";
import { ping } from "@onehop/lab/traffic/ping";
import { documents } from "@onehop/testkit/netns/documents";
import { roundTrip } from "../../figures/round_trip.ts";
import { tcp } from "../../figures/tcp.ts";
import { smallPackets } from "../../figures/udp.ts";
import type { BenchPath } from "../../paths/path.ts";
import { rounded, spreadOf } from "../../report/statistics.ts";
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

const FIGURES = {
  tcp1_gbps: { measure: (path: BenchPath, seconds: number) => tcp(path, 1, seconds), better: "more" },
  udp64_kpps: { measure: smallPackets, better: "more" },
  rtt_us: { measure: roundTrip, better: "less" },
} as const;
type Name = keyof typeof FIGURES;
const NAMES = Object.keys(FIGURES) as Name[];
const KINDS = ["learned", "pushed"] as const;
/** Of a point. */
const SECONDS = 1;
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
        const paths = { pushed: await pathOf(pushed), learned: await pathOf(learned) };
        const rounds = quick ? 3 : 15;
        const samples: Samples = { tcp1_gbps: none(), udp64_kpps: none(), rtt_us: none() };
        for (let n = 0; n < rounds; n++) {
          signal.throwIfAborted();
          progress(`Cost of learning: round ${n + 1} of ${rounds}`);
          await round(paths, samples, n);
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
async function round(paths: Readonly<Record<Kind, BenchPath>>, samples: Samples, n: number): Promise<void> {
  for (const name of NAMES)
    for (const kind of n % 2 === 0 ? KINDS : KINDS.toReversed())
      samples[name][kind].push(await FIGURES[name].measure(paths[kind], SECONDS));
}

function found(samples: Samples): Findings {
  const ratios = NAMES.map((name) => {
    const [learned, pushed] = KINDS.map((kind) => spreadOf(samples[name][kind])!.median) as [number, number];
    return [name, rounded(FIGURES[name].better === "more" ? learned / pushed : pushed / learned)] as const;
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
