import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { request } from "node:https";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Cluster, newCluster, type Server, serverFiles, writeFiles } from "@onehop/pki";
import { openStore, SNAPSHOTS, type Store, type StoreTls } from "@onehop/store";

/** One of the three. A killed or paused one keeps its data and its ports. */
export interface EtcdMember {
  readonly name: string;
  /** `https://127.0.0.1:<port>`: for clients of this member alone. */
  readonly clientUrl: string;
  readonly dataDir: string;
  /** Of the process that runs; undefined: none does. */
  readonly pid: number | undefined;
  /** With -9. Resolves when it has ended. */
  kill(): Promise<void>;
  /** Stopped in its tracks, its connections open. */
  pause(): void;
  resume(): void;
  /** Again, on what it has; does not wait for an answer. */
  start(): Promise<void>;
}

/** Three members of etcd on loopback, with TLS and certificates demanded on every connection. */
export interface EtcdCluster {
  readonly dir: string;
  readonly members: readonly EtcdMember[];
  /** `etcd:https://…,https://…,https://…` */
  readonly url: string;
  readonly tls: StoreTls;
  /** The folder of the client's files, named as in /etc/onehop: store-ca.crt, store.crt, store.key. */
  readonly pki: string;
  /** A client of all members, closed at the end. */
  readonly store: Store;
  /** Waits until there is one that answers. */
  leader(): Promise<EtcdMember>;
  /** Waits until all members have what was agreed upon, and answer. */
  whole(): Promise<void>;
  stop(): Promise<void>;
}

export interface EtcdClusterOptions {
  /** More arguments for every member, such as `--quota-backend-bytes=4000000`. */
  readonly args?: readonly string[];
}

const NAMES = ["e1", "e2", "e3"];

/** Resolves when the cluster has a leader and answers. It ends with this process, even when that is killed. */
export async function startEtcdCluster(options: EtcdClusterOptions = {}): Promise<EtcdCluster> {
  const dir = await mkdtemp(join(tmpdir(), "onehop-etcd-"));
  const servers = NAMES.map((name): Server => ({ name, addresses: ["127.0.0.1"] }));
  const cluster = await newCluster(servers, new Date());
  const ports = await freePorts(2 * NAMES.length);
  const members = NAMES.map((name, i) => new Member({ name, dir, client: ports[2 * i]!, peer: ports[2 * i + 1]! }));
  const peers = members.map((m) => `${m.name}=${m.peerUrl}`).join(",");
  const tls = await writeKeys(dir, cluster);
  const url = `etcd:${members.map((m) => m.clientUrl).join(",")}`;
  const store = openStore(url, { tls });
  for (const member of members) member.arguments = [`--initial-cluster=${peers}`, ...(options.args ?? [])];
  const stop = async () => {
    await store.close();
    await Promise.all(members.map((m) => m.kill()));
    await rm(dir, { recursive: true, force: true });
  };
  try {
    await Promise.all(members.map((m) => m.start()));
    const leader = () => findLeader(members, tls);
    await leader();
    const whole = () => untilHealthy(members, tls);
    return { dir, members, url, tls, pki: join(dir, "e1"), store, leader, whole, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** The folders of the members' files; answers what clients use. */
async function writeKeys(dir: string, cluster: Cluster): Promise<StoreTls> {
  const all = await Promise.all(cluster.servers.map((server) => serverFiles(cluster, server, new Date())));
  for (const [i, files] of all.entries()) await writeFiles(join(dir, NAMES[i]!), files);
  const { "store-ca.crt": ca, "store.crt": certificate, "store.key": key } = all[0] as Record<string, string>;
  return { ca: ca!, certificate: certificate!, key: key! };
}

interface Place {
  readonly name: string;
  readonly dir: string;
  /** Ports. */
  readonly client: number;
  readonly peer: number;
}

class Member implements EtcdMember {
  readonly name: string;
  readonly dataDir: string;
  readonly clientUrl: string;
  readonly peerUrl: string;
  arguments: readonly string[] = [];
  readonly #keys: string;
  #child: ChildProcess | undefined;
  #exited: Promise<void> = Promise.resolve();

  constructor({ name, dir, client, peer }: Place) {
    this.name = name;
    this.#keys = join(dir, name);
    this.dataDir = join(this.#keys, "data");
    this.clientUrl = `https://127.0.0.1:${client}`;
    this.peerUrl = `https://127.0.0.1:${peer}`;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  async start(): Promise<void> {
    if (this.#child) throw new Error(`${this.name} runs already.`);
    await mkdir(this.dataDir, { recursive: true, mode: 0o700 });
    const log = openSync(join(this.#keys, "etcd.log"), "a", 0o600);
    const child = spawn("setpriv", ["--pdeathsig", "KILL", "etcd", ...this.#arguments()], {
      detached: true,
      stdio: ["ignore", log, log],
    });
    closeSync(log);
    await new Promise<void>((resolve, reject) => child.once("spawn", resolve).once("error", reject));
    this.#child = child;
    this.#exited = new Promise((resolve) => {
      child.once("exit", () => {
        this.#child = undefined;
        resolve();
      });
    });
  }

  async kill(): Promise<void> {
    this.#child?.kill("SIGKILL");
    await this.#exited;
  }

  pause(): void {
    this.#child?.kill("SIGSTOP");
  }

  resume(): void {
    this.#child?.kill("SIGCONT");
  }

  #arguments(): string[] {
    const key = (file: string) => join(this.#keys, file);
    return [
      `--name=${this.name}`,
      `--data-dir=${this.dataDir}`,
      `--listen-client-urls=${this.clientUrl}`,
      `--advertise-client-urls=${this.clientUrl}`,
      `--listen-peer-urls=${this.peerUrl}`,
      `--initial-advertise-peer-urls=${this.peerUrl}`,
      ...["", "peer-"].flatMap((side) => [
        `--${side}cert-file=${key("etcd.crt")}`,
        `--${side}key-file=${key("etcd.key")}`,
        `--${side}trusted-ca-file=${key("store-ca.crt")}`,
        `--${side}client-cert-auth`,
      ]),
      "--heartbeat-interval=50",
      "--election-timeout=500",
      "--experimental-watch-progress-notify-interval=200ms",
      SNAPSHOTS,
      "--unsafe-no-fsync",
      "--log-level=warn",
      "--logger=zap",
      "--log-outputs=stderr",
      ...this.arguments,
    ];
  }
}

const PATIENCE_MS = 20_000;

async function findLeader(members: readonly Member[], tls: StoreTls): Promise<EtcdMember> {
  const until = Date.now() + PATIENCE_MS;
  for (;;) {
    const leads = await Promise.all(members.map((m) => isLeader(m, tls)));
    const leader = members[leads.indexOf(true)];
    if (leader) return leader;
    if (Date.now() > until) throw new Error(`No member of etcd leads after ${PATIENCE_MS / 1000} s.`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function untilHealthy(members: readonly Member[], tls: StoreTls): Promise<void> {
  const until = Date.now() + PATIENCE_MS;
  for (const member of members)
    while (!(await isHealthy(member, tls))) {
      if (Date.now() > until) throw new Error(`${member.name} of etcd is not back after ${PATIENCE_MS / 1000} s.`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
}

/** As its metrics say; one that is dead or paused is none. */
const isLeader = async (member: Member, tls: StoreTls): Promise<boolean> =>
  /^etcd_server_is_leader 1$/m.test(await said(member, "/metrics", tls));

/** It answers a read by itself, with what the others agreed upon. */
const isHealthy = async (member: Member, tls: StoreTls): Promise<boolean> =>
  /"health":"true"/.test(await said(member, "/health", tls));

/** Nothing where it is dead or paused. */
function said({ clientUrl, pid }: Member, path: string, { ca, certificate, key }: StoreTls): Promise<string> {
  if (pid === undefined) return Promise.resolve("");
  return new Promise((resolve) => {
    const options = { ca, cert: certificate, key, agent: false, timeout: 500 } as const;
    const asked = request(`${clientUrl}${path}`, options, (answer) => {
      let text = "";
      answer.setEncoding("utf8");
      answer.on("data", (piece: string) => {
        text += piece;
      });
      answer.on("end", () => resolve(text));
      answer.on("error", () => resolve(""));
    });
    asked.on("timeout", () => asked.destroy());
    asked.on("error", () => resolve(""));
    asked.end();
  });
}

/** Ports of loopback on which nobody listens; all are held until all are known, so that they differ. */
async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer();
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      return server;
    }),
  );
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
