import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { openStore } from "@onehop/store";
import { type EtcdCluster, startEtcdCluster } from "@onehop/testkit/etcd_cluster";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runLeaderKills } from "./leader_kills.ts";
import { until, World } from "./world.ts";

const kills = process.env.ONEHOP_FULL === "1" ? 20 : 2;
const run = promisify(execFile);

it("no acknowledged write is lost when leaders are killed under 50 writes a second", async () => {
  const { lost, acknowledged, gap_ms } = await runLeaderKills(kills);
  expect({ lost, gaps: gap_ms.all.length }).toEqual({ lost: 0, gaps: kills });
  expect(acknowledged).toBeGreaterThan(25 * kills);
}, 300_000);

describe("agents and controllers over three members with TLS", () => {
  let cluster: EtcdCluster;
  let world: World;
  beforeAll(async () => {
    cluster = await startEtcdCluster({ args: ["--quota-backend-bytes=16777216"] });
    world = await new World(openStore(cluster.url, { tls: cluster.tls })).start();
  });
  afterAll(async () => {
    await world?.close();
    await world?.store.close();
    await cluster?.stop();
  });
  const etcdctl = async (endpoints: readonly string[], ...args: string[]) => {
    const file = (name: string) => join(cluster.pki, name);
    const tls = ["--cacert", file("store-ca.crt"), "--cert", file("store.crt"), "--key", file("store.key")];
    const env = { ...process.env, ETCDCTL_API: "3" };
    await run("etcdctl", ["--endpoints", endpoints.join(), "--command-timeout=20s", ...tls, ...args], { env });
  };
  const all = () => cluster.members.map((m) => m.clientUrl);
  /** A read and writes of every kind that asks the store; each must be told why, in time. */
  const allRefused = async (wanted: { status: number; code: string }) => {
    const [port] = [...world.controller.plane.view.ports.values()];
    const calls = [
      () => world.client.get("ports", port!.id),
      () => world.client.list("vpcs"),
      () => world.client.request("GET", "/readyz"),
      () => world.client.request("GET", "/v1/store"),
      () => world.addPort(),
      () => world.client.patch("ports", port!.id, { labels: { a: "1" } }),
      () => world.client.delete("ports", port!.id),
    ];
    const refusals = await Promise.all(calls.map((call) => world.refusal(call)));
    for (const { status, code, message } of refusals) {
      expect({ status, code }).toEqual(wanted);
      expect(message.length).toBeGreaterThan(20);
    }
  };
  const goesOn = async () => {
    await until("a port can be made", () =>
      world.addPort().then(
        () => true,
        () => false,
      ),
    );
    await world.equal();
  };

  it("answer 503 with the reason within 2 s while all members are killed, and go on when they are back (D4)", async () => {
    for (const member of cluster.members) await member.kill();
    await allRefused({ status: 503, code: "store_unavailable" });
    for (const member of cluster.members) await member.start();
    await goesOn();
  });

  it("the same while all members hang, and while two of three are gone", async () => {
    for (const member of cluster.members) member.pause();
    await allRefused({ status: 503, code: "store_unavailable" });
    for (const member of cluster.members) member.resume();
    await goesOn();
    const [a, b] = cluster.members;
    for (const member of [a!, b!]) await member.kill();
    await allRefused({ status: 503, code: "store_unavailable" });
    for (const member of [a!, b!]) await member.start();
    await goesOn();
  });

  it("lose nothing to a compaction under a reader that is slow: it is told so, or everything", async () => {
    const from = (await cluster.store.range({ prefix: "/slow/" })).revision;
    const end = new AbortController();
    const slow = cluster.store.watch("/slow/", from, end.signal)[Symbol.asyncIterator]();
    type Told = { readonly entry: { readonly value: string } | undefined };
    const put = (i: number) => cluster.store.txn({ compare: [], then: [{ put: "/slow/a", value: String(i) }] });
    await put(0);
    const seen = (await slow.next()).value!.changes.map((c: Told) => c.entry?.value);
    let last = 0;
    for (let i = 1; i <= 300; i++) last = (await put(i)).revision;
    await cluster.store.compact(last);
    const rest = async () => {
      while (seen.at(-1) !== "300") {
        const next = await slow.next();
        if (next.done) return;
        seen.push(...next.value.changes.map((c: Told) => c.entry?.value));
      }
    };
    const error = await rest().catch((e: unknown) => e);
    end.abort();
    // No gap in what was told.
    expect(seen).toEqual(Array.from({ length: seen.length }, (_, i) => String(i)));
    if (error) expect(error).toMatchObject({ code: "compacted" });
    else expect(seen).toHaveLength(301);
    await goesOn();
  });

  it("answer 507 with what to do while the store is full, read on, and go on when it has space again", async () => {
    const value = "x".repeat(1_000_000);
    const fill = async () => {
      for (let i = 0; i < 100; i++) await cluster.store.txn({ compare: [], then: [{ put: `/fill/${i % 4}`, value }] });
    };
    await expect(fill()).rejects.toMatchObject({ code: "no_space" });
    const refusal = await world.refusal(() => world.addPort());
    expect(refusal).toMatchObject({ status: 507, code: "store_full" });
    expect((await world.client.list("ports")).length).toBeGreaterThan(2);
    const { revision } = await cluster.store.txn({ compare: [], then: [{ deletePrefix: "/fill/" }] });
    await etcdctl(all().slice(0, 1), "compaction", "--physical", String(revision));
    for (const url of all()) await etcdctl([url], "defrag");
    await etcdctl(all(), "alarm", "disarm");
    await goesOn();
  });
});
