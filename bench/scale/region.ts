import { Client } from "@onehop/api/client";
import { Lab, until } from "@onehop/lab";
import { onehop } from "@onehop/lab/install";
import { Child } from "@onehop/lab/system/child";
import { keys, type Store } from "@onehop/store";
import { type EtcdCluster, startEtcdCluster } from "@onehop/testkit/etcd_cluster";
import { Fleet } from "./fleet.ts";
import { type Planned, planRegion, type Shape } from "./plan.ts";
import { cpuSeconds } from "./usage.ts";

export type Progress = (what: string) => void;

/** Beside the lab's own, which answers the API's clients and is never killed. */
export const EXPENDABLE = ["c2", "c3"] as const;
const FIRST = "lab";
/** Real hosts: two with guests, two hubs. */
const REAL = { hosts: 4, hubs: 2 } as const;
const SIMULATING = 2;

/** Three etcds, three controllers, four hosts with kernels, and simulated ones. */
export class Region {
  readonly shape: Shape;
  readonly planned: Planned;
  readonly lab: Lab;
  readonly etcd: EtcdCluster;
  readonly fleet: Fleet;
  /** Clients of each controller's API, by its name. */
  readonly apis = new Map<string, Client>();
  /** Ids of the hosts by their index. */
  readonly hostIds: string[] = [];
  readonly #controllers = new Map<string, Child>();

  private constructor(shape: Shape, etcd: EtcdCluster, lab: Lab) {
    this.shape = shape;
    this.planned = planRegion(shape);
    this.etcd = etcd;
    this.lab = lab;
    this.fleet = Fleet.start(SIMULATING);
    this.apis.set(FIRST, lab.client);
  }

  static async up(shape: Shape, progress: Progress): Promise<Region> {
    progress("Starting three etcds");
    const etcd = await startEtcdCluster({
      args: ["--quota-backend-bytes=6000000000", "--auto-compaction-mode=periodic", "--auto-compaction-retention=1m"],
    });
    let region: Region | undefined;
    try {
      const lab = await Lab.up({ ...REAL, store: ["--store", etcd.url, "--pki", etcd.pki], progress });
      region = new Region(shape, etcd, lab);
      progress("Starting two more controllers");
      for (const name of EXPENDABLE) await region.startController(name);
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
    return [this.lab.controller!, ...this.#controllers.values()].filter((child) => child.running);
  }
  controller(name: string): Child {
    return this.#controllers.get(name)!;
  }

  async startController(name: string): Promise<void> {
    const { files } = this.lab;
    const socket = `${files.dir}/${name}.sock`;
    const store = ["--store", this.etcd.url, "--pki", this.etcd.pki];
    const sockets = ["--listen", `unix:${socket}`, "--agent-listen", `unix:${files.dir}/${name}.agents.sock`];
    const child = await Child.start({
      name,
      argv: onehop("controller", ...store, "--name", name, ...sockets),
      log: files.log(name),
    });
    this.#controllers.set(name, child);
    this.apis.get(name)?.close();
    this.apis.set(name, new Client({ url: `unix:${socket}` }));
  }

  /** Processes by what they are. */
  pids(): Readonly<Record<string, readonly number[]>> {
    const agents = [...this.lab.agents].map(([name, child]) => [`agent ${name}`, [child.id.pid]] as const);
    const controllers = this.controllers.map((child) => [`controller ${child.name}`, [child.id.pid]] as const);
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
  /** Waits until all controllers live, and nobody but them owns anything. */
  async allMembers(): Promise<void> {
    const names: readonly string[] = [FIRST, ...EXPENDABLE];
    await until("all controllers to have joined", async () => {
      const { entries } = await this.store.range({ prefix: keys.members, keysOnly: true });
      const owners = new Set([...(await this.claims()).values()].map((claim) => claim.name));
      const all = entries.length === names.length && (owners.size === 0 || names.every((name) => owners.has(name)));
      return all || undefined;
    });
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
    for (const client of this.apis.values()) client.close();
    for (const child of this.#controllers.values()) await child.kill();
    await this.lab.close();
    await this.etcd.stop();
  }
}
