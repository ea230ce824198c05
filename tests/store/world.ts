import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FakeKernel } from "@onehop/agent/kernel/fake";
import { type RunningAgent, startAgent } from "@onehop/agent/main";
import { Client } from "@onehop/api";
import { indexed, NO_FACTS, Plans } from "@onehop/controller/compile/index";
import { type RunningController, startController } from "@onehop/controller/main";
import { OnehopError } from "@onehop/core";
import { IntentView, keys, type Store } from "@onehop/store";
import { pino } from "pino";

const silent = pino({ level: "silent" });
/** Waiting ends so late only where something never comes. */
const PATIENCE_MS = 30_000;

export async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const end = performance.now() + PATIENCE_MS;
  while (!(await holds())) {
    if (performance.now() > end) throw new Error(`in vain waited until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** A controller and two agents, over kernels in memory, in this process; the store is the test's. */
export class World {
  readonly dir = mkdtempSync(join(tmpdir(), "onehop-world-"));
  readonly client = new Client({ url: `unix:${join(this.dir, "api.sock")}` });
  /** Another, of the store itself, to look at what is there. */
  readonly store: Store;
  controller!: RunningController;
  network = "";
  readonly hosts: string[] = [];
  readonly #agents: RunningAgent[] = [];
  #ports = 0;

  constructor(store: Store) {
    this.store = store;
  }

  /** A project, a VPC, a network, two hosts with an agent each, and a port on either. */
  async start(): Promise<this> {
    await this.startController();
    const project = await this.client.create("projects", { name: "p" });
    const vpc = await this.client.create("vpcs", { name: "v", project_id: project.id, cidrs: ["10.0.0.0/16"] });
    this.network = (await this.client.create("networks", { name: "n", vpc_id: vpc.id, cidr: "10.0.1.0/24" })).id;
    for (const n of [1, 2]) {
      this.hosts.push((await this.client.create("hosts", { name: `h${n}`, tunnel_address: `192.0.2.${n}` })).id);
      await this.#startAgent(`h${n}`);
      await this.addPort();
    }
    await this.equal();
    return this;
  }

  async startController(name = "c1"): Promise<void> {
    this.controller = await startController({
      store: this.store,
      name,
      apiListen: [`unix:${join(this.dir, "api.sock")}`],
      agentListen: `unix:${join(this.dir, "agent.sock")}`,
      logger: silent,
    });
  }

  /** Its id. */
  async addPort(): Promise<string> {
    const name = `port-${++this.#ports}`;
    const host_id = this.hosts[this.#ports % this.hosts.length]!;
    const device = { kind: "veth", namespace: `ns-${name}` };
    return (await this.client.create("ports", { name, network_id: this.network, host_id, device })).id;
  }

  /** Resolves when every host has reported what a compile from scratch of what is stored now gives it, and nothing else. */
  async equal(): Promise<void> {
    await until("every host has what the store says", async () => {
      const wanted = await this.#compiled();
      const reports = await Promise.all(this.hosts.map((id) => this.#applied(id)));
      return this.hosts.every((id, i) => reports[i] === wanted.get(id));
    });
  }

  /** What an API call is refused with, and after how many milliseconds. */
  async refusal(call: () => Promise<unknown>): Promise<{ status: number; code: string; message: string; ms: number }> {
    const began = performance.now();
    const error = await call().then(
      () => undefined,
      (e: unknown) => e,
    );
    if (!(error instanceof OnehopError)) throw error ?? new Error("it was accepted");
    const { status, code, message } = error.detail;
    return { status, code, message, ms: performance.now() - began };
  }

  async close(): Promise<void> {
    this.client.close();
    for (const agent of this.#agents) await agent.stop();
    await this.controller.stop();
    rmSync(this.dir, { recursive: true, force: true });
  }

  async #startAgent(host: string): Promise<void> {
    const kernel = new FakeKernel();
    kernel.addDevice("up0");
    const controllers = [`unix:${join(this.dir, "agent.sock")}`];
    const files = { stateDir: join(this.dir, host), pins: "", objectDir: "" };
    this.#agents.push(await startAgent({ host, controllers, ...files, uplinks: ["up0"], kernel, logger: silent }));
  }

  /** By host: its slices and their hashes, as text. */
  async #compiled(): Promise<Map<string, string>> {
    const end = new AbortController();
    const view = await IntentView.open({ store: this.store, signal: end.signal });
    end.abort();
    const plans = new Plans(indexed(view, { ...NO_FACTS, epoch: this.controller.plane.sentry.epoch }));
    return new Map(
      this.hosts.map((id) => [
        id,
        [...plans.wantedBy(id)]
          .map((s) => `${s} ${plans.slice(s)?.hash}`)
          .sort()
          .join(),
      ]),
    );
  }

  async #applied(hostId: string): Promise<string> {
    const entry = await this.store.get(keys.report(hostId));
    const { applied = [], degraded = [] } = JSON.parse(entry?.value ?? "{}") as {
      applied?: { id: string; hash: string }[];
      degraded?: unknown[];
    };
    return degraded.length > 0
      ? ""
      : applied
          .map((held) => `${held.id} ${held.hash}`)
          .sort()
          .join();
  }
}
