import { mkdirSync, readFileSync, symlinkSync } from "node:fs";
import { Client } from "@onehop/api/client";
import { nounOf } from "@onehop/core";
import { type EtcdProcess, startEtcd } from "@onehop/store";
import { type Api, applyDocuments, listThings } from "./api.ts";
import { buildFabric, buildHosts } from "./fabric/build.ts";
import { DEFAULT_FABRIC, type FabricOptions, type FabricPlan, type LabHost, planFabric } from "./fabric/plan.ts";
import { type Guest, listGuests } from "./guests.ts";
import { DEFAULT_API_SOCKET, type LabFiles, labFiles, namespacePrefix } from "./names.ts";
import { placeInLab } from "./place.ts";
import { controllerName, startAgent, startController } from "./processes.ts";
import type { Progress } from "./progress.ts";
import type { Child } from "./system/child.ts";
import { identify, signal } from "./system/identity.ts";
import { run } from "./system/run.ts";
import { claimLab, type LabState, writeState } from "./system/state.ts";
import { killHost, sweep, sweepDead } from "./system/sweep.ts";
import { until } from "./system/until.ts";

export interface LabOptions extends Partial<FabricOptions> {
  readonly progress?: Progress;
  /** How many share the region; 1 where it is not said. The first answers the lab's client. */
  readonly controllers?: number;
  /** For the lab's id. */
  readonly random?: () => number;
  /** Flags of a controller that name the caller's store; by default the lab starts one of its own. */
  readonly store?: readonly string[];
}

/**
 * A data centre in network namespaces: hosts on a routed underlay, each with its agent, controllers and a private
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
  /** By name: `controller`, `controller-2` and so on. */
  readonly controllers = new Map<string, Child>();
  readonly #count: number;
  #etcd: EtcdProcess | undefined;
  #store: readonly string[] | undefined;
  #state: LabState;
  readonly #progress: Progress;

  private constructor(state: LabState, options: LabOptions) {
    const { hosts, hubs = 0, uplinks, mtu } = { ...DEFAULT_FABRIC, ...options };
    this.id = state.id;
    this.files = labFiles(state.id);
    this.fabric = planFabric(state.id, { hosts, hubs, uplinks, mtu });
    this.client = new Client({ url: state.url });
    this.#state = state;
    this.#store = options.store;
    this.#count = options.controllers ?? 1;
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
  /** Of the lab's own store, for openStore. */
  get storeUrl(): string {
    if (!this.#etcd) throw new Error(`The store of lab ${this.id} is not its own.`);
    return this.#etcd.url;
  }
  /** The one that answers the lab's client. */
  get controller(): Child | undefined {
    return this.controllers.get(controllerName(1));
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

  /** The lab's own store, in place of one that was killed: what it had acknowledged is there. */
  async startStore(): Promise<void> {
    this.#etcd = await startEtcd({ dataDir: this.files.etcd, unsafeNoFsync: true });
    this.#store = ["--store", this.#etcd.url];
    this.#remember();
  }

  /** kill -9. */
  async killStore(): Promise<void> {
    const etcd = this.#etcd;
    if (!etcd) throw new Error(`The store of lab ${this.id} is not its own.`);
    signal(identify(etcd.pid)!, "SIGKILL");
    await etcd.exited;
  }

  /** The n-th, from 1. Resolves for the first when the API answers. */
  async startController(n = 1): Promise<Child> {
    const child = await startController(this.files, n, this.#store!);
    this.controllers.set(child.name, child);
    this.#remember();
    if (n === 1) await until("the API to answer", () => this.#answers(child));
    return child;
  }

  async startControllers(): Promise<void> {
    for (let n = 1; n <= this.#count; n++) await this.startController(n);
  }

  /** kill -9, all of them. */
  async killControllers(): Promise<void> {
    await Promise.all([...this.controllers.values()].map((child) => child.kill()));
  }

  async startAgent(name: string): Promise<Child> {
    const child = await startAgent(this.files, this.host(name), this.#count);
    this.agents.set(name, child);
    this.#remember();
    return child;
  }

  /** The machine loses its power: its guests and all that the kernel had of it are gone, its disk stays as it is. */
  async powerOff(name: string): Promise<void> {
    const host = this.host(name);
    await this.agents.get(name)?.kill();
    await killHost(host, this.files.pins(name));
    await until(`the links of ${name} to be gone`, () => this.#isUnplugged(host));
  }

  /** It is on the underlay again, with nothing but its disk; its agent is the caller's to start. */
  powerOn(name: string): Promise<void> {
    return buildHosts(this.fabric, [this.host(name)]);
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
    await Promise.all([...this.agents.values(), ...this.controllers.values()].map((c) => c.stop()));
    await this.#etcd?.stop();
    await sweep(this.id);
  }

  async #start(): Promise<void> {
    this.#progress(`Lab ${this.id}: building ${this.hosts.length} hosts and a router between them`);
    await buildFabric(this.fabric);
    for (const dir of [this.files.bpf, this.files.logs]) mkdirSync(dir, { recursive: true, mode: 0o700 });
    await run(["mount", "-t", "bpf", "bpf", this.files.bpf]);
    this.#progress(`Starting the store (etcd) and the ${this.#count === 1 ? "controller" : "controllers"}`);
    if (!this.#store) await this.startStore();
    await this.startControllers();
    this.#progress("Registering the hosts and starting their agents");
    for (const host of this.hosts)
      await this.client.create("hosts", { name: host.name, tunnel_address: host.tunnelAddress, roles: [host.role] });
    await Promise.all(this.hosts.map((host) => this.startAgent(host.name)));
    await this.#hostsConnected();
    this.#remember({ ready: true });
  }

  /** The kernel takes a namespace apart after its name is gone. */
  async #isUnplugged({ uplinks }: LabHost): Promise<true | undefined> {
    const links = JSON.parse(await run(["ip", "-n", this.fabric.namespace, "-j", "link", "show"])) as {
      ifname: string;
    }[];
    return links.every((link) => uplinks.every((up) => up.routerDevice !== link.ifname)) || undefined;
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
    for (const child of [...this.controllers.values(), ...this.agents.values()])
      if (!child.running) throw new Error(`${child.name} ended: ${lastWords(this.files.log(child.name))}`);
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
    const running = [...this.controllers.values(), ...this.agents.values()];
    const children = running.map(({ name, id }) => ({ name, ...id }));
    if (etcd) children.push({ name: "etcd", ...etcd });
    this.#state = { ...this.#state, children, hosts: this.hosts.map((h) => h.name), ...change };
    writeState(this.#state);
  }
}

/** The end of a log; the log itself goes with the lab. */
const lastWords = (log: string): string =>
  readFileSync(log, "utf8").trim().split("\n").slice(-5).join("\n") || "silently";
