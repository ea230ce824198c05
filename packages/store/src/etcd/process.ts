import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { type Clock, pause, systemClock } from "../clock.ts";
import { StoreError } from "../store.ts";
import { EtcdStore } from "./etcd_store.ts";

export interface EtcdProcessOptions {
  /** Everything of it lies here: data, socket, log, pid file. Made if missing, for root only. */
  readonly dataDir: string;
  /** Faster, and a power cut may lose data; for tests and the lab. */
  readonly unsafeNoFsync?: true;
  /** Bytes the data may take before writes are refused; 4 GiB by default. */
  readonly quotaBytes?: number;
  readonly clock?: Clock;
}
export interface EtcdProcess {
  /** For openStore. */
  readonly url: string;
  readonly pid: number;
  /** Resolves when it has ended, for whatever reason. */
  readonly exited: Promise<void>;
  stop(): Promise<void>;
}

/** How long a new one may take to answer, on a slow disk. */
const START_MS = 30_000;
/** How long it may take to end by itself; killing it loses nothing that was acknowledged. */
const GRACE_MS = 1_000;
const POLL_MS = 20;
/** The longest path of a unix socket (unix(7)), with room for the terminating zero. */
const SOCKET_PATH_MAX = 107;

/**
 * A private etcd as a child process, reachable only through a unix socket in `dataDir`; resolves when it answers. It ends
 * with its parent, also when that is killed. One left by a killed parent is ended first; one whose parent lives is an error.
 */
export async function startEtcd(options: EtcdProcessOptions): Promise<EtcdProcess> {
  const dataDir = path.resolve(options.dataDir);
  const clock = options.clock ?? systemClock;
  const socket = path.join(dataDir, SOCKET);
  if (Buffer.byteLength(socket) > SOCKET_PATH_MAX)
    throw new Error(`${dataDir} is too long a path for the store: its socket's may have ${SOCKET_PATH_MAX} bytes.`);
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  await endStale(dataDir, clock);
  const child = await launch(dataDir, options);
  const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const stop = () => end(child, exited, clock);
  const url = `etcd:unix:${socket}`;
  try {
    await writeFile(pidFile(dataDir), JSON.stringify({ pid: child.pid, owner: process.pid }));
    await answers(`unix:${socket}`, exited, clock);
  } catch (error) {
    await stop();
    throw new Error(`etcd did not start: ${(error as Error).message} ${await lastWords(dataDir)}`);
  }
  return { url, pid: child.pid as number, exited, stop };
}

/** Etcd takes host:port only, and makes a socket of that name in its working directory. */
const SOCKET = "client:0";
const PEER_SOCKET = "peer:0";
const dataOf = (dataDir: string) => path.join(dataDir, "data");
const sockets = (dataDir: string) => [path.join(dataDir, SOCKET), path.join(dataDir, PEER_SOCKET)];
const pidFile = (dataDir: string) => path.join(dataDir, "etcd.pid");
const logFile = (dataDir: string) => path.join(dataDir, "etcd.log");

function launch(dataDir: string, options: EtcdProcessOptions): Promise<ChildProcess> {
  const log = openSync(logFile(dataDir), "w", 0o600);
  // The kernel kills it with its parent; a session of its own keeps the terminal's Ctrl-C for the parent to handle.
  const child = spawn("setpriv", ["--pdeathsig", "KILL", "etcd", ...etcdArgs(dataDir, options)], {
    cwd: dataDir,
    detached: true,
    stdio: ["ignore", log, log],
  });
  closeSync(log);
  return new Promise((resolve, reject) => {
    child.once("spawn", () => resolve(child));
    child.once("error", reject);
  });
}

/**
 * After so many transactions a member notes how far it is: from there it reads its log when it starts again. Ours are large, up to
 * a hundred writes each, so that with etcd's own 100,000 a member would keep, and read, more log than there are objects.
 */
export const SNAPSHOTS = "--snapshot-count=2000";

const etcdArgs = (dataDir: string, { unsafeNoFsync, quotaBytes = 4 * 2 ** 30 }: EtcdProcessOptions): string[] => [
  `--data-dir=${dataOf(dataDir)}`,
  `--listen-client-urls=unix://${SOCKET}`,
  `--advertise-client-urls=unix://${SOCKET}`,
  `--listen-peer-urls=unix://${PEER_SOCKET}`,
  `--initial-advertise-peer-urls=unix://${PEER_SOCKET}`,
  `--initial-cluster=default=unix://${PEER_SOCKET}`,
  "--enable-grpc-gateway=false",
  // Alone there is nobody to wait for: it leads half a second after its start, and leases of a second are possible.
  "--heartbeat-interval=50",
  "--election-timeout=500",
  "--auto-compaction-mode=periodic",
  "--auto-compaction-retention=10m",
  `--quota-backend-bytes=${quotaBytes}`,
  SNAPSHOTS,
  // Watchers of quiet prefixes learn how far they are, so that a compaction does not make them start anew.
  "--experimental-watch-progress-notify-interval=200ms",
  "--logger=zap",
  "--log-outputs=stderr",
  "--log-level=warn",
  ...(unsafeNoFsync ? ["--unsafe-no-fsync"] : []),
];

/** Resolves at the first answer to a read that needs a leader. */
async function answers(address: string, exited: Promise<void>, clock: Clock): Promise<void> {
  const store = new EtcdStore(address, { deadlineMs: START_MS });
  try {
    const dead = exited.then(() => {
      throw new Error("it ended at once.");
    });
    const ready = async () => {
      const until = clock.now() + START_MS;
      while (!(await isReady(store))) {
        if (clock.now() > until) throw new Error(`no answer in ${START_MS / 1000} s.`);
        await pause(clock, POLL_MS);
      }
    };
    await Promise.race([ready(), dead]);
  } finally {
    await store.close();
  }
}

async function isReady(store: EtcdStore): Promise<boolean> {
  try {
    await store.get("ready");
    return true;
  } catch (error) {
    if (error instanceof StoreError && error.code === "unavailable") return false;
    throw error;
  }
}

/** Why it ended: the error of its last log record, or the first line where it did not come to logging. */
async function lastWords(dataDir: string): Promise<string> {
  const log = await readFile(logFile(dataDir), "utf8").catch(() => "");
  const lines = log.trim().split("\n");
  try {
    const record = JSON.parse(lines.at(-1) ?? "") as { error?: string; msg?: string };
    return record.error ?? record.msg ?? "";
  } catch {
    return lines[0] ?? "";
  }
}

async function end(child: ChildProcess, exited: Promise<void>, clock: Clock): Promise<void> {
  child.kill("SIGTERM");
  const ended = new AbortController();
  void exited.then(() => ended.abort());
  await pause(clock, GRACE_MS, ended.signal);
  if (!ended.signal.aborted) child.kill("SIGKILL");
  await exited;
}

/** Ends the etcd of a parent that was killed. The pid file alone proves nothing: its number may be another process now. */
async function endStale(dataDir: string, clock: Clock): Promise<void> {
  const recorded = await readPidFile(dataDir);
  if (recorded && (await isOurs(recorded.pid, dataDir))) {
    const parent = await parentOf(recorded.pid);
    if (parent === recorded.owner) throw new Error(`${dataDir} is in use by process ${parent}.`);
    if (await isOurs(recorded.pid, dataDir)) process.kill(recorded.pid, "SIGKILL");
    while (await isOurs(recorded.pid, dataDir)) await pause(clock, POLL_MS);
  }
  // A killed one leaves its sockets, and etcd would find their addresses in use.
  for (const file of [pidFile(dataDir), ...sockets(dataDir)]) await rm(file, { force: true });
}

async function readPidFile(dataDir: string): Promise<{ pid: number; owner: number } | undefined> {
  try {
    const { pid, owner } = JSON.parse(await readFile(pidFile(dataDir), "utf8")) as Record<string, unknown>;
    return Number.isInteger(pid) && Number.isInteger(owner) ? { pid: Number(pid), owner: Number(owner) } : undefined;
  } catch {
    return undefined;
  }
}

/** Whether the process is an etcd on this data folder (proc(5): the arguments, each ended by a zero byte). */
async function isOurs(pid: number, dataDir: string): Promise<boolean> {
  const cmdline = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
  const args = cmdline.split("\0");
  return path.basename(args[0] ?? "") === "etcd" && args.includes(`--data-dir=${dataOf(dataDir)}`);
}

/** proc(5): the fourth field of stat; the second is a name in brackets that may have spaces. */
async function parentOf(pid: number): Promise<number | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
  const parent = Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
  return Number.isInteger(parent) ? parent : undefined;
}
