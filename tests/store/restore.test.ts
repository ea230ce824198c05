import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { type EtcdProcess, openStore, type Store, startEtcd } from "@onehop/store";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { until, World } from "./world.ts";

const run = promisify(execFile);
const etcdctl = (...args: string[]) => run("etcdctl", args, { env: { ...process.env, ETCDCTL_API: "3" } });

/** An etcd whose data can be saved, and put back, as an operator does it. */
class Etcd {
  readonly dir = mkdtempSync(join(tmpdir(), "onehop-restore-"));
  readonly #snapshot = join(this.dir, "snapshot.db");
  readonly #dataDir = join(this.dir, "etcd");
  #process!: EtcdProcess;

  async start(): Promise<Store> {
    this.#process = await startEtcd({ dataDir: this.#dataDir, unsafeNoFsync: true });
    return openStore(this.#process.url);
  }
  save(): Promise<unknown> {
    const endpoint = `unix://${join(this.#dataDir, "client:0")}`;
    return etcdctl("--endpoints", endpoint, "snapshot", "save", this.#snapshot);
  }
  async stop(): Promise<void> {
    await this.#process.stop();
  }
  /** The same etcd, with what was saved. */
  async restore(): Promise<void> {
    await this.empty("stopped");
    const data = join(this.#dataDir, "data");
    const peer = "unix://peer:0";
    const as = ["--name", "default", "--initial-cluster", `default=${peer}`, "--initial-advertise-peer-urls", peer];
    await etcdctl("snapshot", "restore", this.#snapshot, "--data-dir", data, ...as);
    await this.start();
  }
  async empty(then: "started" | "stopped"): Promise<void> {
    await this.stop();
    rmSync(join(this.#dataDir, "data"), { recursive: true });
    if (then === "started") await this.start();
  }
}

describe("an etcd that was put back to an earlier snapshot", () => {
  let etcd: Etcd;
  let store: Store;
  let world: World;
  const state = async () => (await world.client.request("GET", "/v1/store")).body as { frozen: boolean; epoch: number };
  const names = async () => (await world.client.list("ports")).map((p) => p.name as string).sort();
  beforeEach(async () => {
    etcd = new Etcd();
    store = await etcd.start();
    world = await new World(store).start();
  });
  afterEach(async () => {
    await world.close();
    await store.close();
    await etcd.stop();
    rmSync(etcd.dir, { recursive: true, force: true });
  });
  const isFrozen = async () => (await state().catch(() => undefined))?.frozen === true;
  const refusesWrites = async () => {
    expect(await world.refusal(() => world.addPort())).toMatchObject({ status: 503, code: "store_frozen" });
    expect((await world.refusal(() => world.addPort())).message).toContain("onehop store accept");
    const [h1] = await world.client.list("hosts");
    expect(h1).toMatchObject({ status: { state: "degraded" } });
  };
  const accept = async () => {
    const { body } = await world.client.request("POST", "/v1/store/accept");
    expect(body).toMatchObject({ frozen: false, epoch: 2 });
  };

  it("is frozen under a controller that lives, until it is accepted; then hosts follow it", async () => {
    await etcd.save();
    const lost = await world.addPort();
    await world.equal();
    await etcd.restore();
    await until("it is frozen", isFrozen);
    await refusesWrites();
    expect(world.controller.plane.view.ports.has(lost)).toBe(true);
    await accept();
    await world.equal();
    expect(await names()).toEqual(["port-1", "port-2"]);
    await world.addPort();
    await world.equal();
  });

  it("is frozen by what the hosts hold where every controller was started anew, and used after it is accepted", async () => {
    await etcd.save();
    for (let i = 0; i < 5; i++) await world.addPort();
    await world.equal();
    await world.controller.stop();
    await etcd.restore();
    await world.startController();
    await until("it is frozen", isFrozen);
    await refusesWrites();
    await accept();
    await world.equal();
    expect(await names()).toEqual(["port-1", "port-2"]);
  });

  it("or to nothing at all is frozen, and no port is taken away", async () => {
    await etcd.empty("started");
    await until("it is frozen", isFrozen);
    await refusesWritesOfNothing();
    expect(world.controller.plane.view.ports.size).toBe(2);
    await world.controller.stop();
    await world.startController();
    await until("the next one knows", isFrozen);
  });
  const refusesWritesOfNothing = async () =>
    expect(await world.refusal(() => world.client.create("projects", { name: "q" }))).toMatchObject({
      status: 503,
      code: "store_frozen",
    });
});
