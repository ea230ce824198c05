import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdirSync, openSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { HostPlan, Report, SliceMessage } from "@onehop/core";
import { sliceFrame } from "@onehop/core/plan/wire";
import { type WebSocket, WebSocketServer } from "ws";
import { hashes } from "../src/sync/hash.ts";

export const run = (command: string, ...args: string[]): string =>
  execFileSync(command, args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });

/** Resolves with the first answer that is not undefined; fails with what it waited for. */
export async function until<T>(what: string, look: () => T | undefined | Promise<T | undefined>): Promise<T> {
  const end = performance.now() + 45_000;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (performance.now() > end) throw new Error(`in vain waited until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** Plays the controller: every host gets the plan that is set for it, and what it reports is kept. */
export class PlanServer {
  readonly address: string;
  readonly reports = new Map<string, Report>();
  readonly #plans = new Map<string, HostPlan>();
  readonly #streams = new Map<string, WebSocket>();
  readonly #server = createServer();
  readonly #sockets = new WebSocketServer({ noServer: true });
  #generation = 0;

  readonly #epoch: number;

  /** A later one needs a higher epoch: agents refuse what seems to come from an owner that was replaced. */
  constructor(path: string, epoch = 1) {
    this.address = `unix:${path}`;
    this.#epoch = epoch;
    this.#server.on("upgrade", (request, socket, head) =>
      this.#sockets.handleUpgrade(request, socket, head, (stream) => this.#greet(stream)),
    );
    this.#server.listen(path);
  }

  /** Sends the plan to the host, now or when it connects. */
  put(host: string, plan: HostPlan): SliceMessage[] {
    this.#plans.set(host, plan);
    this.#generation++;
    const messages = this.#messages(plan);
    for (const message of messages) this.#streams.get(host)?.send(frameOf(message));
    return messages;
  }

  /** Resolves when the host reports that the plan is applied. */
  async set(host: string, plan: HostPlan): Promise<Report> {
    const messages = this.put(host, plan);
    const wanted = new Map(messages.map((m) => [m.id, m.hash]));
    return until(`${host} has applied its plan`, () => {
      const report = this.reports.get(host);
      const done = report?.applied.length === wanted.size && report.applied.every((h) => wanted.get(h.id) === h.hash);
      return done ? report : undefined;
    });
  }

  close(): void {
    for (const stream of this.#streams.values()) stream.terminate();
    this.#server.close();
  }

  #greet(stream: WebSocket): void {
    let host = "";
    stream.on("message", (data) => {
      const message = JSON.parse(String(data));
      if (message.type === "report") this.reports.set(host, message);
      if (message.type !== "hello") return;
      host = message.host;
      this.#streams.set(host, stream);
      for (const slice of this.#messages(this.#plans.get(host) ?? new Map())) stream.send(frameOf(slice));
    });
  }

  #messages(plan: HostPlan): SliceMessage[] {
    const own = [...plan.keys()].sort((a, b) => Number(b.startsWith("host/")) - Number(a.startsWith("host/")));
    return own.map((id) => {
      const body = plan.get(id)!;
      const { hash } = hashes.of(body);
      return { type: "slice", id, epoch: this.#epoch, generation: this.#generation, hash, body };
    });
  }
}

const frameOf = (message: SliceMessage): Uint8Array => sliceFrame(message, message.body);

const AGENT = fileURLToPath(new URL("./agent_process.ts", import.meta.url));

/** Two hosts as network namespaces with a wire between, and agents on them; everything carries the prefix. */
export class NetnsWorld {
  readonly prefix: string;
  readonly dir: string;
  readonly #agents = new Map<string, ChildProcess>();

  constructor(prefix: string) {
    this.prefix = prefix;
    this.dir = `/run/onehop-${prefix}`;
    mkdirSync(join(this.dir, "bpf"), { recursive: true, mode: 0o700 });
    run("mount", "-t", "bpf", "bpf", join(this.dir, "bpf"));
    const [h1, h2] = [this.namespace("h1"), this.namespace("h2")];
    for (const ns of [h1, h2]) run("ip", "netns", "add", ns);
    const mtu = ["mtu", "1600"];
    run("ip", "link", "add", "up0", "netns", h1, ...mtu, "type", "veth", "peer", "name", "up0", "netns", h2, ...mtu);
    for (const [ns, address] of [
      [h1, "192.0.2.1/24"],
      [h2, "192.0.2.2/24"],
    ] as const) {
      run("ip", "-n", ns, "addr", "add", address, "dev", "up0");
      run("ip", "-n", ns, "link", "set", "lo", "up");
      // IPv6's own address would come a second later, in the midst of a comparison.
      run("ip", "-n", ns, "link", "set", "up0", "addrgenmode", "none");
      run("ip", "-n", ns, "link", "set", "up0", "up");
    }
  }

  namespace(name: string): string {
    return `${this.prefix}-${name}`;
  }
  pins(host: string): string {
    return join(this.dir, "bpf", host);
  }
  log(host: string): string {
    return readFileSync(join(this.dir, `${host}.log`), "utf8");
  }
  /** On a host, in its network namespace. */
  on(host: string, ...command: string[]): string {
    return run("nsenter", `--net=/run/netns/${this.namespace(host)}`, ...command);
  }

  startAgent(host: string, controller: string): void {
    const log = openSync(join(this.dir, `${host}.log`), "a");
    const inHost = [`--net=/run/netns/${this.namespace(host)}`, process.execPath, "--import", "tsx", AGENT];
    const args = [host, controller, join(this.dir, host), this.pins(host)];
    this.#agents.set(host, spawn("nsenter", [...inHost, ...args], { stdio: ["ignore", log, log] }));
  }

  /** As a crash would: nothing is put in order. */
  async killAgent(host: string): Promise<void> {
    const agent = this.#agents.get(host);
    if (!agent || agent.exitCode !== null || agent.signalCode !== null) return;
    const ended = new Promise((resolve) => agent.once("exit", resolve));
    agent.kill("SIGKILL");
    await ended;
  }

  async close(): Promise<void> {
    for (const host of this.#agents.keys()) await this.killAgent(host);
    const spaces = run("ip", "netns", "list").split("\n");
    for (const name of spaces.map((line) => line.split(" ")[0] ?? ""))
      if (name.startsWith(`${this.prefix}-`)) run("ip", "netns", "del", name);
    run("umount", join(this.dir, "bpf"));
    rmSync(this.dir, { recursive: true });
  }
}
