import { openStore, type Store, StoreError } from "@onehop/store";
import { type EtcdCluster, startEtcdCluster } from "@onehop/testkit/etcd_cluster";
import { until } from "./world.ts";

export interface LeaderKills {
  readonly kills: number;
  /** Writes that were acknowledged, of all that were tried. */
  readonly acknowledged: number;
  readonly tried: number;
  /** Acknowledged and not there at the end. */
  readonly lost: number;
  /** From each kill until the next acknowledged write that was begun after it. */
  readonly gap_ms: { readonly p50: number; readonly p99: number; readonly all: readonly number[] };
}

const EVERY_MS = 20;

/** Kills the leader of three again and again, while 50 writes a second go on; each is back before the next goes. */
export async function runLeaderKills(
  kills: number,
  progress = (_text: string): void => undefined,
): Promise<LeaderKills> {
  const cluster = await startEtcdCluster();
  const writes = new Writes(cluster.store);
  try {
    const gaps: number[] = [];
    for (let i = 0; i < kills; i++) {
      await writes.more(25);
      const leader = await cluster.leader();
      await leader.kill();
      gaps.push(await writes.gap());
      await leader.start();
      await hasCaughtUp(cluster, leader.clientUrl);
      progress(`${i + 1} of ${kills} leaders killed, ${gaps.at(-1)} ms without a write`);
    }
    await writes.stop();
    return { kills, ...(await writes.count()), gap_ms: spreadOf(gaps) };
  } finally {
    await writes.stop();
    await cluster.stop();
  }
}

/** 50 a second, each of a key of its own, none tried twice. */
class Writes {
  readonly #store: Store;
  readonly #acknowledged = new Map<string, number>();
  readonly #open = new Set<Promise<void>>();
  readonly #timer: NodeJS.Timeout;
  #tried = 0;
  /** When the newest write that was acknowledged was begun. */
  #newest = 0;

  constructor(store: Store) {
    this.#store = store;
    this.#timer = setInterval(() => {
      const open = this.#write().finally(() => this.#open.delete(open));
      this.#open.add(open);
    }, EVERY_MS);
  }

  /** Resolves when so many more have been acknowledged. */
  async more(count: number): Promise<void> {
    const wanted = this.#acknowledged.size + count;
    await until("writes are acknowledged", () => this.#acknowledged.size >= wanted);
  }

  /** Milliseconds from now until a write that begins from now on is acknowledged. */
  async gap(): Promise<number> {
    const from = performance.now();
    await until("a write is acknowledged", () => this.#newest >= from);
    return Math.round(performance.now() - from);
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await Promise.all(this.#open);
  }

  async count(): Promise<{ acknowledged: number; tried: number; lost: number }> {
    const { entries } = await this.#store.range({ prefix: "/w/" });
    const there = new Map(entries.map((e) => [e.key, e.mod_revision]));
    const lost = [...this.#acknowledged].filter(([key, revision]) => there.get(key) !== revision).length;
    return { acknowledged: this.#acknowledged.size, tried: this.#tried, lost };
  }

  async #write(): Promise<void> {
    const key = `/w/${++this.#tried}`;
    const begun = performance.now();
    try {
      const { revision } = await this.#store.txn({ compare: [{ absent: key }], then: [{ put: key, value: key }] });
      this.#acknowledged.set(key, revision);
      this.#newest = Math.max(this.#newest, begun);
    } catch (error) {
      if (!(error instanceof StoreError && error.code === "unavailable")) throw error;
    }
  }
}

async function hasCaughtUp(cluster: EtcdCluster, url: string): Promise<void> {
  const alone = openStore(`etcd:${url}`, { tls: cluster.tls });
  await until("the member is back", () =>
    alone.get("/w/1").then(
      () => true,
      () => false,
    ),
  );
  await alone.close();
}

function spreadOf(times: readonly number[]) {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
  return { p50: at(0.5), p99: at(0.99), all: times };
}
