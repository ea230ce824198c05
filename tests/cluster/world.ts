import { mkdtempSync, rmSync } from "node:fs";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Identity } from "@onehop/agent/join/identity";
import { joinCluster } from "@onehop/agent/join/join";
import { dial } from "@onehop/agent/sync/dial";
import { type Gate, openGate } from "@onehop/controller/join/gate";
import { Keyring } from "@onehop/controller/join/keyring";
import { listen } from "@onehop/controller/publish/listen";
import { serveStreams } from "@onehop/controller/publish/upgrade";
import type { At, Host, Refused } from "@onehop/core";
import { type Cluster, newCluster, type Server as ServerSpec, serverFiles, writeFiles, writeToken } from "@onehop/pki";
import { ManualClock } from "@onehop/store";
import { pino } from "pino";
import { type Served, seeded, serve } from "../../packages/controller/test/api/fixture.ts";

export const SERVERS: readonly ServerSpec[] = [{ name: "s1", addresses: ["127.0.0.1"] }];
const DAY = 86_400_000;

/** A controller's API and gate, with TLS, over a store in memory; the tests play the hosts. */
export class World {
  readonly dir = mkdtempSync(join(tmpdir(), "onehop-cluster-"));
  readonly pki = join(this.dir, "pki");
  readonly clock = new ManualClock();
  readonly logs: string[] = [];
  cluster!: Cluster;
  served!: Served;
  gate!: Gate;
  keyring!: Keyring;
  /** Of the API: `https://…`, and of the agents' streams: `tls:…`. */
  api!: string;
  agents!: string;
  /** Of the clock on the wall, in milliseconds, away from the real one. */
  ahead = 0;
  readonly #ending = new AbortController();
  readonly #servers: Server[] = [];

  static async open(): Promise<World> {
    const world = new World();
    world.cluster = await newCluster(SERVERS, new Date());
    await world.install(world.cluster);
    await world.#start();
    return world;
  }

  readonly wall = (): number => Date.now() + this.ahead;

  /** Puts a server's files where the controller finds them. */
  async install(cluster: Cluster): Promise<void> {
    await writeFiles(this.pki, await serverFiles(cluster, SERVERS[0]!, new Date()));
  }

  /** The controller has looked at its folder again. */
  async lookedAgain(): Promise<void> {
    const before = this.keyring.keys;
    await this.clock.advance(5000);
    while (this.keyring.keys === before) await new Promise((resolve) => setImmediate(resolve));
  }

  async host(name: string, tunnel: string): Promise<At<Host>> {
    return (await this.served.root.request("POST", "/v1/hosts", { name, tunnel_address: tunnel })).body as At<Host>;
  }

  async invite(hostId: string, seconds = 3600): Promise<string> {
    const { body } = await this.served.root.request("POST", `/v1/hosts/${hostId}/invitation`, { seconds });
    return writeToken(body as Parameters<typeof writeToken>[0]);
  }

  stateDir(name: string): string {
    return join(this.dir, name);
  }

  /** The host joins as `onehop agent join` does. */
  async join(name: string, hostId: string): Promise<Identity> {
    await joinCluster({ token: await this.invite(hostId), controller: this.api, stateDir: this.stateDir(name) });
    return (await Identity.load(this.stateDir(name)))!;
  }

  /** Opens a stream as the host that it says it is, and tells how it went. */
  stream(identity: Identity, hostId: string): Caller {
    return new Caller(dial(this.agents, {}, identity), hostId);
  }

  async close(): Promise<void> {
    this.#ending.abort();
    for (const server of this.#servers) {
      server.closeAllConnections();
      server.close();
    }
    await this.served.close();
    rmSync(this.dir, { recursive: true });
  }

  async #start(): Promise<void> {
    const { clock, wall } = this;
    const { signal } = this.#ending;
    const logger = pino({ level: "info" }, { write: (line: string) => void this.logs.push(line) });
    const onError = (error: unknown) => logger.warn({ err: error }, "The keys cannot be read.");
    this.keyring = await Keyring.open({ dir: this.pki, clock, signal, onError });
    this.served = await serve({ keyring: this.keyring, wall });
    this.api = await this.served.server.listen("tls:127.0.0.1:0");
    const { store } = this.served;
    this.gate = await openGate({ store, keyring: this.keyring, clock, wall, random: seeded("gate"), signal, logger });
    const server = await listen("tls:127.0.0.1:0", { keyring: this.keyring, serve: this.gate.serve });
    this.#servers.push(server);
    this.agents = `tls:127.0.0.1:${(server.address() as AddressInfo).port}`;
    serveStreams(server, {
      agent: (link, request) => {
        const admit = this.gate.doorman.admit(link, request);
        link.listen({
          frame: (frame) => {
            const hostId = String(frame);
            const problem = admit({ type: "hello", version: 2, host: hostId, have: [] }, { id: hostId } as At<Host>);
            link.send(
              JSON.stringify(problem === undefined ? { type: "served" } : { type: "refused", message: problem }),
            );
          },
          closed: () => undefined,
        });
      },
      member: (link, request) => {
        if (this.gate.member(link, request)) link.send("welcome");
      },
    });
  }
}

export const days = (n: number): number => n * DAY;

/** The host's end of a stream. */
export class Caller {
  /** What was said, newest last. */
  readonly said: { readonly type: string; readonly message?: string }[] = [];
  readonly problems: string[] = [];
  closed = false;
  readonly #socket: ReturnType<typeof dial>;

  constructor(socket: ReturnType<typeof dial>, hello: string) {
    this.#socket = socket;
    socket.on("open", () => socket.send(hello));
    socket.on("message", (data) => this.said.push(JSON.parse(String(data)) as Refused));
    socket.on("error", (error) => this.problems.push(error.message));
    socket.on("close", () => {
      this.closed = true;
    });
  }

  /** The last word, once there is one, or why the connection failed. */
  async verdict(): Promise<string> {
    while (this.said.length === 0 && this.problems.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    const last = this.said.at(-1);
    return last ? (last.message ?? last.type) : this.problems[0]!;
  }

  close(): void {
    this.#socket.terminate();
  }
}
