import { mkdirSync, readFileSync, symlinkSync } from "node:fs";
import { Client } from "@onehop/api/client";
import { nounOf } from "@onehop/core";
import { type EtcdProcess, startEtcd } from "@onehop/store";
import { type Api, applyDocuments, listThings } from "./api.ts";
import { buildFabric } from "./fabric/build.ts";
import { DEFAULT_FABRIC, type FabricOptions, type FabricPlan, type LabHost, planFabric } from "./fabric/plan.ts";
import { type Guest, listGuests } from "./guests.ts";
import { DEFAULT_API_SOCKET, type LabFiles, labFiles, namespacePrefix } from "./names.ts";
import { placeInLab } from "./place.ts";
import { startAgent, startController } from "./processes.ts";
import type { Progress } from "./progress.ts";
import type { Child } from "./system/child.ts";
import { identify } from "./system/identity.ts";
import { run } from "./system/run.ts";
import { claimLab, type LabState, writeState } from "./system/state.ts";
import { sweep, sweepDead } from "./system/sweep.ts";
import { until } from "./system/until.ts";

export interface LabOptions extends Partial<FabricOptions> {
  readonly progress?: Progress;
  /** For the lab's id. */
  readonly random?: () => number;
}

/**
 * A data centre in network namespaces: hosts on a routed underlay, each with its agent, a controller and a private
 * store. Everything in it ends with this process; what a killed one leaves, the next `up` removes.
 */
export class Lab {
  readonly id: string;
  readonly files: LabFiles;
  readonly fabric: FabricPlan;
  /** Acts as root on the lab's API. */
  readonly client: Client;
  /** Running agents by host name. */
  readonly agents = new Map<string, Child>();
  controller: Child | undefined;
  #etcd: EtcdProcess | undefined;
  #state: LabState;
  readonly #progress: Progress;

  private constructor(state: LabState, options: LabOptions) {
    const { hosts, hubs = 0, uplinks, mtu } = { ...DEFAULT_FABRIC, ...options };
    this.id = state.id;
    this.files = labFiles(state.id);
    this.fabric = planFabric(state.id, { hosts, hubs, uplinks, mtu });
    this.client = new Client({ url: state.url });
    this.#state = state;
    this.#progress = options.progress ?? (() => undefined);
  }

  /** Resolves when the API answers and every host's agent is connected. */
  static async up(options: LabOptions = {}): Promise<Lab> {
    if (process.getuid?.() !== 0)
      throw new Error("A lab makes network namespaces and loads programs: run it as root (sudo -i).");
    const cleaned = await sweepDead();
    if (cleaned.length > 0) options.progress?.(`Cleaned after lab ${cleaned.join(", ")}, which was killed`);
    const lab = new Lab(claimLab(options.random ?? Math.random), options);
    try {
      await lab.#start();
    } catch (error) {
      await lab.close();
      throw error;
    }
    return lab;
  }

  get api(): Api {
    return this.client;
  }
  get url(): string {
    return this.#state.url;
  }
  get hosts(): readonly LabHost[] {
    return this.fabric.hosts;
  }
  host(name: string): LabHost {
    const host = this.hosts.find((h) => h.name === name);
    if (!host) throw new Error(`Lab ${this.id} has no host ${name}.`);
    return host;
  }
  namespaceOf(name: string): string {
    return namespacePrefix(this.id) + name;
  }

  guests(): Promise<Guest[]> {
    return listGuests(this.api, this.id);
  }

  /** Applies a file of documents; the namespaces it names become this lab's. */
  async apply(yaml: string): Promise<number> {
    return (await applyDocuments(this.api, placeInLab(yaml, this.id))).length;
  }

  /** Waits until every object is realised; the API does the waiting. Throws with the first that is not. */
  async realised(timeoutS = 30): Promise<void> {
    const deadline = Date.now() + timeoutS * 1000;
    for (const kind of ["vpc", "network", "port"] as const) {
      const { plural } = nounOf(kind);
      for (const thing of await listThings(this.api, nounOf(kind)))
        await this.#waitFor(`${kind} ${thing.name}`, `/v1/${plural}/${thing.id}`, deadline);
    }
  }

  async startController(): Promise<Child> {
    const child = await startController(this.files, this.#etcd!.url);
    this.controller = child;
    this.#remember();
    await until("the API to answer", () => this.#answers(child));
    return child;
  }

  async startAgent(name: string): Promise<Child> {
    const child = await startAgent(this.files, this.host(name));
    this.agents.set(name, child);
    this.#remember();
    return child;
  }

  /** `onehop` without --url talks to this lab, unless something else has the place. */
  takeDefaultSocket(): boolean {
    try {
      symlinkSync(this.files.apiSocket, DEFAULT_API_SOCKET);
      return true;
    } catch {
      return false;
    }
  }

  /** Ends all processes and removes all namespaces, mounts and files. */
  async close(): Promise<void> {
    this.client.close();
    await Promise.all([...this.agents.values(), ...(this.controller ? [this.controller] : [])].map((c) => c.stop()));
    await this.#etcd?.stop();
    await sweep(this.id);
  }

  async #start(): Promise<void> {
    this.#progress(`Lab ${this.id}: building ${this.hosts.length} hosts and a router between them`);
    await buildFabric(this.fabric);
    for (const dir of [this.files.bpf, this.files.logs]) mkdirSync(dir, { recursive: true, mode: 0o700 });
    await run(["mount", "-t", "bpf", "bpf", this.files.bpf]);
    this.#progress("Starting the store (etcd) and the controller");
    this.#etcd = await startEtcd({ dataDir: this.files.etcd, unsafeNoFsync: true });
    this.#remember();
    await this.startController();
    this.#progress("Registering the hosts and starting their agents");
    for (const host of this.hosts)
      await this.client.create("hosts", { name: host.name, tunnel_address: host.tunnelAddress, roles: [host.role] });
    await Promise.all(this.hosts.map((host) => this.startAgent(host.name)));
    await this.#hostsConnected();
    this.#remember({ ready: true });
  }

  async #hostsConnected(): Promise<void> {
    const deadline = Date.now() + 30_000;
    for (const host of await this.client.list("hosts"))
      await this.#waitFor(`host ${host.name}`, `/v1/hosts/${host.id}`, deadline);
  }

  async #waitFor(what: string, path: string, deadline: number): Promise<void> {
    await until(
      `${what} to be realised`,
      async () => {
        this.#checkProcesses();
        const { body } = await this.client.request("GET", `${path}?wait_for=realised&timeout_s=2`);
        return (body as { status: { state: string } }).status.state === "realised" || undefined;
      },
      Math.max(0, deadline - Date.now()),
    );
  }

  /** A process that ended by itself is the reason why something will never come; its log says why. */
  #checkProcesses(): void {
    for (const child of [this.controller, ...this.agents.values()])
      if (child && !child.running) throw new Error(`${child.name} ended: ${lastWords(this.files.log(child.name))}`);
  }

  async #answers(controller: Child): Promise<true | undefined> {
    if (!controller.running) this.#checkProcesses();
    try {
      await this.client.request("GET", "/readyz");
      return true;
    } catch {
      return undefined;
    }
  }

  #remember(change: Partial<LabState> = {}): void {
    const etcd = this.#etcd && identify(this.#etcd.pid);
    const children = [this.controller, ...this.agents.values()]
      .filter((c) => c !== undefined)
      .map(({ name, id }) => ({ name, ...id }));
    if (etcd) children.push({ name: "etcd", ...etcd });
    this.#state = { ...this.#state, children, hosts: this.hosts.map((h) => h.name), ...change };
    writeState(this.#state);
  }
}

/** The end of a log; the log itself goes with the lab. */
const lastWords = (log: string): string =>
  readFileSync(log, "utf8").trim().split("\n").slice(-5).join("\n") || "silently";
