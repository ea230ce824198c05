import { cpus, loadavg, release } from "node:os";
import { ping } from "@onehop/lab/traffic/ping";
import { quantiles } from "../learn/quantiles.ts";
import { churn } from "./phases/churn.ts";
import { loseControllers } from "./phases/controllers.ts";
import { addAddresses, entriesOf, expectedEntries, MOST_TALKED_TO, pathOf, talk } from "./phases/guests.ts";
import { addHosts } from "./phases/hosts.ts";
import { addFirst, addOthers, type Loaded, load } from "./phases/load.ts";
import { costBesideTen } from "./phases/programs.ts";
import { killLeaders, unavailable } from "./phases/store.ts";
import type { Shape } from "./plan.ts";
import { type Progress, Region } from "./region.ts";
import { type Findings, resultOf, type ScaleResult } from "./result.ts";
import { peakMb, rssMb } from "./usage.ts";

export interface ScaleOptions {
  readonly progress: Progress;
  readonly signal: AbortSignal;
  readonly amounts: Amounts;
}

/** How much of each is done. */
export interface Amounts {
  readonly talk_rounds: number;
  readonly churn_s: number;
  readonly controller_kills: number;
  readonly store_kills: number;
  /** Whether the data plane's cost is measured, beside a region of ten ports. */
  readonly programs: "measured" | "left out";
}
export const FULL: Amounts = {
  talk_rounds: 16,
  churn_s: 30,
  controller_kills: 6,
  store_kills: 20,
  programs: "measured",
};
/** For the tests, which ask what happened and not how fast; the store's faults have tests of their own. */
export const TEST: Amounts = { talk_rounds: 1, churn_s: 2, controller_kills: 1, store_kills: 0, programs: "left out" };
export const QUICK: Amounts = { talk_rounds: 2, churn_s: 3, controller_kills: 2, store_kills: 2, programs: "left out" };

/** Builds a region, measures, and takes all of it down again. */
export async function scale(shape: Shape, options: ScaleOptions): Promise<ScaleResult> {
  const run = new Run(shape, options);
  const region = await Region.up(shape, options.progress);
  try {
    await run.all(region);
  } catch (error) {
    run.failed("the run", error);
  } finally {
    options.progress("Cleaning up");
    await region.close();
  }
  return run.result();
}

/** Changes a second. */
const RATE = 100;
const EASY_RATE = 20;
const MANY_SHARDS = 1000;
/** Of which none may be lost. */
const PINGS = 500;

class Run {
  readonly #shape: Shape;
  readonly #options: ScaleOptions;
  readonly #found = new Map<string, Findings>();
  readonly #problems: string[] = [];
  readonly #start = performance.now();
  readonly #load = loadavg()[0]!;

  constructor(shape: Shape, options: ScaleOptions) {
    this.#shape = shape;
    this.#options = options;
  }

  failed(what: string, error: unknown): void {
    const why = error instanceof Error ? error.message : String(error);
    this.#problems.push(`${what}: ${why}`);
    this.#options.progress(`✗ ${what}: ${why}`);
  }

  result(): ScaleResult {
    return resultOf(this.#found, this.#problems, {
      ...this.#shape,
      kernel: release(),
      processor: cpus()[0]?.model ?? "unknown",
      processors: cpus().length,
      load_before: this.#load,
      took_s: Math.round((performance.now() - this.#start) / 1000),
    });
  }

  async all(region: Region): Promise<void> {
    const { progress, amounts } = this.#options;
    progress("The first ten ports");
    const first = await addFirst(region);
    await addAddresses(region);
    const loaded = await this.#loaded(region, first);
    await this.#part("guests", () => this.#guests(region));
    await this.#part("churn", () => this.#churn(region, loaded));
    await this.#part("memory", () => this.#memory(region));
    await this.#part("controllers", () => this.#controllers(region, loaded));
    if (amounts.store_kills > 0) await this.#part("store", () => this.#store(region, loaded));
    if (amounts.programs === "measured") await this.#part("programs", () => this.#programs(region));
  }

  async #loaded(region: Region, first: Loaded): Promise<Loaded> {
    const { progress } = this.#options;
    const hosts_s = await addHosts(region, progress);
    const loaded = await addOthers(region, first);
    await this.#part("load", async () => {
      const { result, cpu_s } = await region.usage(() => load(region, loaded, progress));
      const { streams, hosts, whole } = await region.fleet.look();
      const promises = { D4: streams === 3 * hosts && whole === hosts };
      return { load_s: result.load_s, promises, details: { hosts_s, ...result, cpu_s, streams, simulated: hosts } };
    });
    return loaded;
  }

  async #guests(region: Region): Promise<Findings> {
    const { progress, amounts } = this.#options;
    progress("First packets between guests");
    const index = region.planned.real[0];
    const idle = await entriesOf(region, "h1");
    const found = await talk(region, amounts.talk_rounds);
    const busy = await entriesOf(region, "h1");
    const expected = expectedEntries(region, index);
    return {
      first_packet_rtt_us: found.first_us.p50,
      direct_rtt_us: found.direct_us.p50,
      learned_per_s: found.learned_per_s,
      entries: { idle_host: idle.pushed + idle.learned, busy_host: busy.pushed + busy.learned },
      promises: {
        Q3: found.lost === 0,
        Q4: idle.pushed === expected && busy.learned - idle.learned <= MOST_TALKED_TO,
      },
      details: { ...found, idle, busy, expected },
    };
  }

  async #churn(region: Region, loaded: Loaded): Promise<Findings> {
    const { progress, amounts } = this.#options;
    progress(`Churn for ${amounts.churn_s} s, and new ports that are pinged`);
    const seconds = amounts.churn_s;
    const { result: found, cpu_s } = await region.usage(() => churn(region, loaded, { seconds, rate: RATE }));
    // What changes take where the machine keeps up with them.
    const { api_ms, ...easy } = await churn(region, loaded, { seconds: seconds / 2, rate: EASY_RATE });
    const { reachable_ms, ...details } = found;
    return {
      ...(reachable_ms.length > 0 ? { create_reachable_ms: quantiles(reachable_ms) } : {}),
      messages_per_change: found.messages_per_change,
      bytes_per_change: found.bytes_per_change,
      fanout_per_event: found.fanout,
      interested_hosts: found.interested,
      api_ms: found.api_ms,
      promises: {
        Q9: found.unreachable === 0 && reachable_ms.length > 0,
        Q10: found.unrelated === 0,
        Q18: found.told <= found.wanted && found.told > 0,
      },
      details: {
        ...details,
        ...{ samples: reachable_ms.length, reachable_ms: reachable_ms.map(Math.round), cpu_s },
        easy: {
          rate: EASY_RATE,
          api_ms,
          changes_per_s: easy.changes_per_s,
          reachable_ms: easy.reachable_ms.map(Math.round),
        },
      },
    };
  }

  async #memory(region: Region): Promise<Findings> {
    const largest = (pids: readonly number[], read: (pid: number) => number): number =>
      Math.round(Math.max(...pids.map(read)));
    const controllers = region.controllers.map((child) => child.id.pid);
    const agents = [...region.lab.agents.values()].map((child) => child.id.pid);
    const store = region.etcd.members.flatMap(({ pid }) => pid ?? []);
    const of = (read: (pid: number) => number) => ({
      controller: largest(controllers, read),
      agent: largest(agents, read),
      store: largest(store, read),
    });
    return { rss_mb: of(rssMb), details: { peak_mb: of(peakMb) } };
  }

  async #controllers(region: Region, loaded: Loaded): Promise<Findings> {
    const { progress, amounts } = this.#options;
    const shares = [...countsOf([...(await region.claims()).values()].map((claim) => claim.name))];
    const counts = shares.map(([, count]) => count);
    const found = await loseControllers(region, loaded, { kills: amounts.controller_kills, progress });
    const even = Math.max(...counts) <= 1.5 * Math.min(...counts);
    return {
      controller_kill_ms: found.controller_kill_ms,
      paused_ms: found.paused_ms,
      other_vpc_create_ratio: found.other_vpc_create_ratio,
      promises: {
        ...{ Q17: found.other_vpc_create_ratio <= 1.25, D5: found.harmless },
        // Of few, chance gives one controller more than another.
        ...(counts.reduce((a, b) => a + b, 0) >= MANY_SHARDS ? { D6: even } : {}),
      },
      details: { ...found, shares: Object.fromEntries(shares) },
    };
  }

  async #store(region: Region, loaded: Loaded): Promise<Findings> {
    const { progress, amounts } = this.#options;
    const store_kill = await killLeaders(region, loaded, { kills: amounts.store_kills, progress });
    progress("Taking the store's quorum away");
    const unavailable_answer_ms = Math.round(await unavailable(region, loaded));
    return {
      store_kill: { lost: store_kill.lost, gap_ms_p99: store_kill.gap_ms_p99 },
      unavailable_answer_ms,
      details: store_kill,
    };
  }

  /** With all that decides gone: nothing else is at work, and packets go on all the same. */
  async #programs(region: Region): Promise<Findings> {
    const { progress } = this.#options;
    progress("Ending controllers, store and simulated hosts; the data plane's cost beside that of ten ports");
    await region.loseControl();
    const path = await pathOf(region);
    const { sent, received } = await ping({ namespace: path.from, to: path.address, count: PINGS });
    const { program_ns_ratio, cpu_ns_ratio, ...details } = await costBesideTen(region, path, progress);
    return {
      ...(program_ns_ratio === undefined ? {} : { program_ns_ratio }),
      ...(cpu_ns_ratio === undefined ? {} : { cpu_ns_ratio }),
      promises: { Q52: received === sent, Q25: (program_ns_ratio ?? 2) <= 1.05 && (cpu_ns_ratio ?? 2) <= 1.05 },
      details: { ...details, pings: { sent, received } },
    };
  }

  /** A part that fails is told, and costs no other part. */
  async #part(name: string, work: () => Promise<Findings>): Promise<void> {
    this.#options.signal.throwIfAborted();
    try {
      this.#found.set(name, await work());
    } catch (error) {
      this.failed(name, error);
    }
  }
}

function countsOf(names: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return counts;
}
