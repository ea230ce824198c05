import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { SliceId } from "@onehop/core";
import type { Look, Order } from "./sim/worker.ts";

const WORKER = fileURLToPath(new URL("./sim/worker.ts", import.meta.url));

/** All simulated hosts, in processes of their own. */
export class Fleet {
  readonly #workers: ChildProcess[];

  private constructor(workers: ChildProcess[]) {
    this.#workers = workers;
  }

  static start(processes: number): Fleet {
    const execArgv = ["--import", "tsx"];
    return new Fleet(Array.from({ length: processes }, () => fork(WORKER, { execArgv, serialization: "advanced" })));
  }

  get pids(): readonly number[] {
    return this.#workers.flatMap(({ pid }) => pid ?? []);
  }

  /** Ids of hosts, each of which first dials this controller. */
  async add(hosts: readonly string[], controller: string): Promise<void> {
    const share = (worker: number) => hosts.filter((_, i) => i % this.#workers.length === worker);
    await Promise.all(this.#workers.map((w, i) => ask(w, { do: "add", hosts: share(i), controller })));
  }

  /** Forgets what was counted. */
  async clear(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => ask(worker, { do: "clear" })));
  }

  async look(): Promise<Sights> {
    const looks = await Promise.all(this.#workers.map((worker) => ask(worker, { do: "look" }) as Promise<Look>));
    return sum(looks);
  }

  stop(): void {
    for (const worker of this.#workers) worker.kill("SIGKILL");
  }
}

/** What the hosts of all processes have seen. */
export interface Sights {
  readonly hosts: number;
  readonly streams: number;
  readonly whole: number;
  readonly frames: number;
  readonly bytes: number;
  readonly stale: number;
  readonly refusals: readonly string[];
  /** Hosts told of each content of a network. */
  readonly told: ReadonlyMap<string, number>;
  readonly owned: ReadonlyMap<SliceId, { readonly epoch: number; readonly at: number }>;
  readonly entries: readonly number[];
  /** Of each slice the lowest epoch under which a host holds it. */
  readonly lowest: ReadonlyMap<SliceId, number>;
}

function sum(looks: readonly Look[]): Sights {
  const told = new Map<string, number>();
  const owned = new Map<SliceId, { epoch: number; at: number }>();
  const lowest = new Map<SliceId, number>();
  for (const look of looks) {
    for (const [id, epoch] of look.lowest) lowest.set(id, Math.min(epoch, lowest.get(id) ?? epoch));
    for (const [key, hosts] of look.told) told.set(key, (told.get(key) ?? 0) + hosts);
    for (const [id, epoch, at] of look.owned) {
      const known = owned.get(id);
      if (!known || epoch > known.epoch || (epoch === known.epoch && at > known.at)) owned.set(id, { epoch, at });
    }
  }
  const total = (read: (look: Look) => number): number => looks.reduce((n, look) => n + read(look), 0);
  return {
    hosts: total((l) => l.entries.length),
    streams: total((l) => l.streams),
    whole: total((l) => l.whole),
    frames: total((l) => l.frames),
    bytes: total((l) => l.bytes),
    stale: total((l) => l.stale),
    refusals: looks.flatMap((l) => l.refusals),
    entries: looks.flatMap((l) => l.entries),
    told,
    owned,
    lowest,
  };
}

/** Orders are answered in turn; one at a time of each worker. */
function ask(worker: ChildProcess, order: Order): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const ended = () => reject(new Error("A process of simulated hosts ended."));
    worker.once("exit", ended);
    worker.once("message", (answer) => {
      worker.off("exit", ended);
      resolve(answer);
    });
    worker.send(order);
  });
}
