import { OnehopError } from "@onehop/core";
import { until } from "@onehop/lab";
import { quantile } from "../../learn/quantiles.ts";
import type { Progress, Region } from "../region.ts";
import type { Loaded } from "./load.ts";

/** Writes a second, by the API. */
const RATE = 50;

export interface StoreLost {
  readonly kills: number;
  readonly written: number;
  readonly refused: number;
  /** Acknowledged writes that are not there in the end. */
  readonly lost: number;
  readonly gap_ms_p99: number;
  readonly gaps_ms: readonly number[];
}

/** Kills the leader of the store again and again under writes; each of these is looked for in the end. */
export async function killLeaders(
  region: Region,
  loaded: Loaded,
  { kills, progress }: { kills: number; progress: Progress },
): Promise<StoreLost> {
  const writer = new Writer(region, loaded);
  const running = writer.run();
  const gaps: number[] = [];
  try {
    await writer.writes(RATE);
    for (let n = 0; n < kills; n++) {
      progress(`Killing the store's leader: ${n + 1} of ${kills}`);
      const leader = await region.etcd.leader();
      const killed = performance.now();
      await leader.kill();
      await writer.writes(RATE);
      gaps.push(writer.longestGapSince(killed));
      await leader.start();
      // With one member still away, the next leader's end would be that of the quorum.
      await region.etcd.whole();
      await writer.writes(RATE);
    }
  } finally {
    writer.stop();
    await running;
  }
  const lost = await writer.missing();
  const { written, refused } = writer;
  return {
    kills,
    written: written.length,
    refused,
    lost,
    gap_ms_p99: quantile(gaps, 0.99),
    gaps_ms: gaps.map(Math.round),
  };
}

/** Changes a port's allowed ranges of small VPCs; what was acknowledged last of each must be there, or something newer. */
class Writer {
  readonly written: number[] = [];
  refused = 0;
  readonly #region: Region;
  readonly #loaded: Loaded;
  readonly #made: string[] = [];
  #stopped = false;

  constructor(region: Region, loaded: Loaded) {
    this.#region = region;
    this.#loaded = loaded;
  }

  async run(): Promise<void> {
    const under = new Set<Promise<void>>();
    const start = performance.now();
    for (let n = 0; !this.#stopped; n++) {
      const wait = start + (n * 1000) / RATE - performance.now();
      if (wait > 1) await new Promise((resolve) => setTimeout(resolve, wait));
      const one = this.#write(n).finally(() => under.delete(one));
      under.add(one);
      while (under.size > RATE) await Promise.race(under);
    }
    await Promise.all(under);
  }
  stop(): void {
    this.#stopped = true;
  }

  /** Waits for so many more. */
  async writes(count: number): Promise<void> {
    const from = this.written.length;
    await until("the API to write", () => this.written.length >= from + count || undefined, 60_000);
  }

  longestGapSince(time: number): number {
    const after = [time, ...this.written.filter((at) => at > time)];
    return Math.max(...after.slice(1).map((at, i) => at - after[i]!));
  }

  /** Acknowledged ones that are not there. */
  async missing(): Promise<number> {
    const { client } = this.#region;
    const there = new Set((await client.list("routes")).map((route) => route.id));
    return this.#made.filter((id) => !there.has(id)).length;
  }

  async #write(n: number): Promise<void> {
    const { others } = this.#loaded;
    const { vpc } = others[n % others.length]!;
    const destination = `172.${16 + ((n >> 16) & 15)}.${(n >> 8) & 255}.${n & 255}/32`;
    try {
      const route = await this.#region.client.create("routes", {
        name: `w-${n}`,
        vpc_id: vpc,
        destination,
        next_hop: "10.0.0.10",
      });
      this.#made.push(route.id);
      this.written.push(performance.now());
    } catch (error) {
      if (error instanceof OnehopError && error.detail.status < 500) throw error;
      this.refused++;
    }
  }
}

/** The longest time until the API said that the store cannot be used, while two of its three are paused. */
export async function unavailable(region: Region, loaded: Loaded): Promise<number> {
  const { members } = region.etcd;
  const { network, host } = loaded.others[0]!;
  const times: number[] = [];
  for (const member of members.slice(0, 2)) member.pause();
  try {
    for (let n = 0; n < 6; n++) {
      const start = performance.now();
      const body = { name: `never-${n}`, network_id: network, host_id: host };
      const asked = n % 2 === 0 ? region.client.create("ports", body) : region.client.get("networks", network);
      const status = await asked.then(
        () => 200,
        (error: unknown) => (error instanceof OnehopError ? error.detail.status : 0),
      );
      if (status !== 503 && status !== 507) throw new Error(`Without the store the API answered ${status}.`);
      times.push(performance.now() - start);
    }
  } finally {
    for (const member of members.slice(0, 2)) member.resume();
  }
  await region.etcd.leader();
  await region.allMembers();
  return Math.max(...times);
}
