import { createHash, randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client } from "@onehop/api";
import type { Status } from "@onehop/core";
import { OnehopError } from "@onehop/core";
import { IntentView, ManualClock, MemoryStore, openStore, type Store, startEtcd, systemClock } from "@onehop/store";
import pino from "pino";
import { expect } from "vitest";
import { type ApiServer, createServer, type ServerOptions } from "../../src/http/server.ts";
import type { StatusSource } from "../../src/status_source.ts";

/** Random bytes that are the same in every run. */
export function seeded(seed: string): (bytes: number) => Uint8Array {
  let n = 0;
  return (bytes) => createHash("sha512").update(`${seed} ${n++}`).digest().subarray(0, bytes);
}

/** A status that tests turn by hand. */
export class FakeStatus implements StatusSource {
  state: Status["state"] = "realised";
  answers: (hostId: string, what: string, portId?: string) => unknown = () => ({});
  readonly #waiting = new Set<() => void>();

  statusOf(_kind: string, _object: unknown, revision: number): Status {
    return { state: this.state, observed_revision: revision };
  }
  changed(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal.aborted) return resolve();
      const done = () => {
        this.#waiting.delete(done);
        resolve();
      };
      this.#waiting.add(done);
      signal.addEventListener("abort", done);
    });
  }
  turn(state: Status["state"]): void {
    this.state = state;
    for (const done of [...this.#waiting]) done();
  }
  get waiting(): number {
    return this.#waiting.size;
  }
  async query(hostId: string, what: "counters" | "host", portId?: string): Promise<unknown> {
    return this.answers(hostId, what, portId);
  }
}

export interface Served {
  readonly store: Store;
  readonly status: FakeStatus;
  readonly server: ApiServer;
  /** As root, through the unix socket. */
  readonly root: Client;
  /** Address of the TCP listener, for tokens. */
  readonly url: string;
  readonly logs: string[];
  close(): Promise<void>;
}

/** One API process on a store, listening on a unix socket and on loopback. */
export async function serve(options: Partial<ServerOptions> = {}): Promise<Served> {
  const store = options.store ?? new MemoryStore();
  const ending = new AbortController();
  const view = await IntentView.open({ store, signal: ending.signal });
  const status = new FakeStatus();
  const logs: string[] = [];
  const server = createServer({
    view,
    followed: view,
    status,
    clock: systemClock,
    wall: () => Date.UTC(2026, 0, 1),
    random: seeded(randomUUID()),
    logger: pino({ level: "info" }, { write: (line: string) => void logs.push(line) }),
    ...options,
    store,
  });
  const root = new Client({ url: await server.listen(`unix:${join(tmpdir(), `oh-api-${randomUUID()}.sock`)}`) });
  const url = await server.listen("tcp:127.0.0.1:0");
  const close = async () => {
    root.close();
    await server.close();
    ending.abort();
  };
  return { store, status, server, root, url, logs, close };
}

/** An etcd of the test's own. unsafe: fast, and as safe as anything against a killed process. */
export async function privateEtcd(mode: "unsafe" | "safe") {
  const dataDir = await mkdtemp(join(tmpdir(), "oh-api-etcd-"));
  const etcd = await startEtcd({ dataDir, ...(mode === "unsafe" ? { unsafeNoFsync: true as const } : {}) });
  const store = openStore(etcd.url);
  const stop = async () => {
    await store.close();
    await etcd.stop();
    await rm(dataDir, { recursive: true, force: true });
  };
  return { store, stop, url: etcd.url };
}

/** Everything in a store, as text: equal before and after means that nothing was stored. */
export async function dump(store: Store): Promise<string> {
  const { entries } = await store.range({ prefix: "/" });
  return JSON.stringify(entries.map((e) => [e.key, e.value, e.mod_revision]));
}

/** The refusal that a call must end in. */
export async function refusal(call: Promise<unknown>): Promise<OnehopError["detail"]> {
  const error = await call.then(
    (answer) => new Error(`accepted: ${JSON.stringify(answer)}`),
    (e: unknown) => e,
  );
  if (!(error instanceof OnehopError)) throw error;
  return error.detail;
}

/** Refused with this status and field, and the store left as it was. */
export async function refused(
  served: Served,
  call: () => Promise<unknown>,
  wanted: { status: number; pointer?: string; code?: string },
) {
  const before = await dump(served.store);
  const detail = await refusal(call());
  expect({ status: detail.status, detail: detail.message }).toMatchObject({ status: wanted.status });
  if (wanted.code) expect(detail.code).toBe(wanted.code);
  if (wanted.pointer !== undefined) expect(detail.errors?.map((e) => e.pointer)).toContain(wanted.pointer);
  expect(detail.message.length).toBeGreaterThan(10);
  expect(await dump(served.store)).toBe(before);
  return detail;
}

/** A project, a VPC 10.0.0.0/16, a network 10.0.1.0/24 and a host. */
export async function world(client: Client, names = { project: "shop" }) {
  const project = await client.create("projects", { name: names.project });
  const vpc = await client.create("vpcs", { name: "prod", project_id: project.id, cidrs: ["10.0.0.0/16"] });
  const network = await client.create("networks", { name: "front", vpc_id: vpc.id, cidr: "10.0.1.0/24" });
  const tunnel_address = names.project === "shop" ? "192.0.2.1" : "192.0.2.2";
  const host = await client.create("hosts", { name: `h-${names.project}`, tunnel_address });
  return { project, vpc, network, host };
}

export { ManualClock, MemoryStore, randomUUID };
