import { Client } from "@onehop/api/client";
import { Lab, until } from "@onehop/lab";
import type { Child } from "@onehop/lab/system/child";
import { signal } from "@onehop/lab/system/identity";
import { keys, type Store } from "@onehop/store";
import { type EtcdCluster, startEtcdCluster } from "@onehop/testkit/etcd_cluster";
import { Fleet } from "./fleet.ts";
import { type Planned, planRegion, type Shape } from "./plan.ts";
import { cpuSeconds } from "./usage.ts";

export type Progress = (what: string) => void;

/** Names of the controllers by the number that they have in the lab; the first answers clients and is never killed. */
export const CONTROLLERS = ["lab", "lab-2", "lab-3"] as const;
export const EXPENDABLE = [2, 3] as const;
/** Real hosts: two with guests, two hubs. */
const REAL = { hosts: 4, hubs: 2 } as const;
const SIMULATING = 2;
/** Looks in a row at which no claim had moved. */
const STILL = 20;
/** With fewer, one of the controllers may own none. */
const MANY_SHARDS = 50;

/** Three etcds, three controllers, four hosts with kernels, and simulated ones. */
export class Region {
  readonly shape: Shape;
  readonly planned: Planned;
  readonly lab: Lab;
  readonly etcd: EtcdCluster;
  readonly fleet: Fleet;
  /** Of each controller's API. */
  readonly apis: readonly Client[];
  /** Ids of the hosts by their index. */
  readonly hostIds: string[] = [];

  private constructor(shape: Shape, etcd: EtcdCluster, lab: Lab) {
    this.shape = shape;
    this.planned = planRegion(shape);
    this.etcd = etcd;
    this.lab = lab;
    this.fleet = Fleet.start(SIMULATING);
    const others = EXPENDABLE.map((n) => new Client({ url: `unix:${lab.files.dir}/api-${n}.sock` }));
    this.apis = [lab.client, ...others];
  }

  static async up(shape: Shape, progress: Progress): Promise<Region> {
    progress("Starting three etcds");
    const etcd = await startEtcdCluster({
      args: [
        ...["--quota-backend-bytes=6000000000", "--auto-compaction-mode=periodic", "--auto-compaction-retention=1m"],
        // As in the units of packaging/systemd.
        "--experimental-watch-progress-notify-interval=2s",
      ],
    });
    let region: Region | undefined;
    try {
      const lab = await Lab.up({
        ...REAL,
        controllers: CONTROLLERS.length,
        store: ["--store", etcd.url, "--pki", etcd.pki],
        progress,
      });
      region = new Region(shape, etcd, lab);
      for (const [i, name] of ["h1", "h2"].entries())
        region.hostIds[region.planned.real[i]!] = (await lab.client.list("hosts", { name }))[0]!.id;
      await region.allMembers();
      return region;
    } catch (error) {
      await region?.close();
      if (!region) await etcd.stop();
      throw error;
    }
  }

  get client(): Client {
    return this.lab.client;
  }
  get store(): Store {
    return this.etcd.store;
  }
  /** Processes of the controllers that run. */
  get controllers(): readonly Child[] {
    return [...this.lab.controllers.values()].filter((child) => child.running);
  }
  /** The n-th, from 1. */
  controller(n: number): Child {
    return this.lab.controllers.get(`controller-${n}`)!;
  }

  /** Processes by what they are. */
  pids(): Readonly<Record<string, readonly number[]>> {
    const agents = [...this.lab.agents].map(([name, child]) => [`agent ${name}`, [child.id.pid]] as const);
    const controllers = this.controllers.map((child) => [child.name, [child.id.pid]] as const);
    const etcd = this.etcd.members.flatMap(({ pid }) => pid ?? []);
    return {
      ...Object.fromEntries([...agents, ...controllers]),
      etcd,
      simulated: this.fleet.pids,
      loader: [process.pid],
    };
  }

  /** Owner and epoch's revision of each shard that is claimed. */
  async claims(): Promise<Map<string, { readonly name: string; readonly revision: number }>> {
    const { entries } = await this.store.range({ prefix: keys.claims });
    return new Map(entries.map((e) => [e.key.slice(keys.claims.length), { name: e.value, revision: e.mod_revision }]));
  }
  /** Waits until all controllers live and own their shares, and no claim moves any more. */
  async settled(): Promise<void> {
    await this.allMembers();
    let before = "";
    let still = 0;
    await until(
      "claims to rest",
      async () => {
        const now = JSON.stringify([...(await this.claims())]);
        still = now === before ? still + 1 : 0;
        before = now;
        return still >= STILL || undefined;
      },
      60_000,
    );
  }
  /** Waits until all controllers live, and each owns its share. */
  async allMembers(): Promise<void> {
    let seen = "nothing";
    const joined = async () => {
      const members = this.store.range({ prefix: keys.members, keysOnly: true });
      // A store that has just come back may refuse for a moment.
      const [there, claims] = await Promise.all([members, this.claims()]).catch(() => []);
      if (!there || !claims) return undefined;
      const shares = CONTROLLERS.map((name) => [...claims.values()].filter((claim) => claim.name === name).length);
      seen = `${there.entries.length} members, shares ${shares}`;
      const all = there.entries.length === CONTROLLERS.length;
      return (all && (claims.size < MANY_SHARDS || shares.every((share) => share > 0))) || undefined;
    };
    await until("all controllers to have joined", joined, 60_000).catch((error: unknown) => {
      throw new Error(`${error} There are ${seen}.`);
    });
  }

  /** Ends all that decides: controllers, store and simulated hosts. Packets go on. */
  async loseControl(): Promise<void> {
    this.fleet.stop();
    await this.lab.killControllers();
    await Promise.all(this.etcd.members.map((member) => member.kill()));
  }

  /** Stops the agents in their tracks, or lets them go on: packets need none. */
  agents(how: "SIGSTOP" | "SIGCONT"): void {
    for (const { id } of this.lab.agents.values()) signal(id, how);
  }

  /** Processor seconds that each kind of process takes while `work` is done. */
  async usage<T>(
    work: () => Promise<T>,
  ): Promise<{ readonly result: T; readonly cpu_s: Readonly<Record<string, number>> }> {
    const now = () =>
      Object.entries(this.pids()).map(
        ([name, pids]) => [name, pids.reduce((s, pid) => s + cpuSeconds(pid), 0)] as const,
      );
    const before = new Map(now());
    const result = await work();
    return { result, cpu_s: Object.fromEntries(now().map(([name, s]) => [name, s - (before.get(name) ?? 0)])) };
  }

  async close(): Promise<void> {
    this.fleet.stop();
    for (const client of this.apis) client.close();
    await this.lab.close();
    await this.etcd.stop();
  }
}
