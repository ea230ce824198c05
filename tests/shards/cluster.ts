import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, openSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FakeKernel } from "@onehop/agent/kernel/fake";
import { type RunningAgent, startAgent } from "@onehop/agent/main";
import { type Intent, NOUNS } from "@onehop/core";
import { onehop } from "@onehop/lab/install";
import { type EtcdProcess, keys, openStore, type Store, startEtcd } from "@onehop/store";
import { pino } from "pino";

/** Waiting ends so late only where something never comes. */
const PATIENCE_MS = 30_000;

export async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const end = performance.now() + PATIENCE_MS;
  while (!(await holds())) {
    if (performance.now() > end) throw new Error(`in vain waited until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** Controllers as processes over an etcd, and agents over kernels in memory. */
export class Cluster {
  readonly dir = mkdtempSync(join(tmpdir(), "onehop-shards-"));
  readonly store: Store;
  readonly controllers = new Map<string, ChildProcess>();
  readonly agents: RunningAgent[] = [];
  readonly #etcd: EtcdProcess;
  readonly #data: string;

  private constructor(etcd: EtcdProcess, data: string) {
    this.#etcd = etcd;
    this.#data = data;
    this.store = openStore(etcd.url);
  }

  static async start(): Promise<Cluster> {
    const dataDir = mkdtempSync(join(tmpdir(), "onehop-shards-etcd-"));
    return new Cluster(await startEtcd({ dataDir }), dataDir);
  }

  /** Objects as the API would store them, without its checks. */
  async put(plural: string, objects: Iterable<{ readonly id: string }>): Promise<number> {
    const all = [...objects];
    let revision = 0;
    for (let i = 0; i < all.length; i += 100) {
      const then = all.slice(i, i + 100).map((o) => ({ put: keys.object(plural, o.id), value: JSON.stringify(o) }));
      revision = (await this.store.txn({ compare: [], then })).revision;
    }
    return revision;
  }
  async putIntent(intent: Intent): Promise<void> {
    for (const { plural } of NOUNS) await this.put(plural, intent[plural as "ports"].values());
  }

  start(name: string): void {
    const log = openSync(join(this.dir, `${name}.log`), "a");
    const sockets = [
      "--listen",
      `unix:${this.dir}/${name}.api.sock`,
      "--agent-listen",
      `unix:${this.dir}/${name}.sock`,
    ];
    const [program, ...argv] = onehop("controller", "--store", this.#etcd.url, "--name", name, ...sockets);
    this.controllers.set(name, spawn(program!, argv, { stdio: ["ignore", log, log] }));
  }
  signal(name: string, signal: NodeJS.Signals): void {
    this.controllers.get(name)?.kill(signal);
  }

  /** An agent that is told of one controller only. */
  async agent(host: string, controller: string): Promise<RunningAgent> {
    const kernel = new FakeKernel();
    kernel.addDevice("up0");
    const agent = await startAgent({
      host,
      controllers: [`unix:${this.dir}/${controller}.sock`],
      stateDir: join(this.dir, host),
      pins: "",
      uplinks: ["up0"],
      objectDir: "",
      kernel,
      logger: pino({ level: "silent" }),
    });
    this.agents.push(agent);
    return agent;
  }

  /** Owner of each shard, by name, as claimed. */
  async claims(): Promise<Map<string, { readonly name: string; readonly revision: number }>> {
    const { entries } = await this.store.range({ prefix: keys.claims });
    return new Map(entries.map((e) => [e.key.slice(keys.claims.length), { name: e.value, revision: e.mod_revision }]));
  }
  async members(): Promise<string[]> {
    const { entries } = await this.store.range({ prefix: keys.members });
    return entries.map((e) => e.key.slice(keys.members.length));
  }
  /** Whether these own everything, each of them something. */
  async isSplitAmong(...names: string[]): Promise<boolean> {
    const owners = new Set([...(await this.claims()).values()].map((claim) => claim.name));
    return owners.size === names.length && names.every((name) => owners.has(name));
  }

  /** What the host has applied, as stored by the owner of the host's slice. */
  async reported(
    hostId: string,
  ): Promise<ReadonlyMap<string, { readonly epoch: number; readonly generation: number }>> {
    const entry = await this.store.get(keys.report(hostId));
    const report = entry
      ? (JSON.parse(entry.value) as { applied: { id: string; epoch: number; generation: number }[] })
      : undefined;
    return new Map(report?.applied.map((held) => [held.id, held]));
  }

  async close(): Promise<void> {
    for (const agent of this.agents) await agent.stop();
    for (const child of this.controllers.values()) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const ended = new Promise((resolve) => child.once("exit", resolve));
      child.kill("SIGKILL");
      await ended;
    }
    await this.store.close();
    await this.#etcd.stop();
    for (const dir of [this.dir, this.#data]) rmSync(dir, { recursive: true });
  }
}
