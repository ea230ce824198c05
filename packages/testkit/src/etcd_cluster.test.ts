import { newCluster, storeClientCredential } from "@onehop/pki";
import { EtcdStore, openStore } from "@onehop/store";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type EtcdCluster, startEtcdCluster } from "./etcd_cluster.ts";

let cluster: EtcdCluster;
beforeAll(async () => {
  cluster = await startEtcdCluster();
});
afterAll(() => cluster.stop());

const put = (key: string, value: string) => cluster.store.txn({ compare: [], then: [{ put: key, value }] });

describe("three members of etcd with TLS", () => {
  it("keep what was acknowledged when the leader is killed, and elect another", async () => {
    await put("/a", "1");
    const leader = await cluster.leader();
    await leader.kill();
    expect(leader.pid).toBeUndefined();
    const next = await cluster.leader();
    expect(next.name).not.toBe(leader.name);
    expect((await cluster.store.get("/a"))?.value).toBe("1");
    await put("/b", "2");
    await leader.start();
    const alone = openStore(`etcd:${leader.clientUrl}`, { tls: cluster.tls });
    await expect.poll(async () => (await alone.get("/b").catch(() => undefined))?.value, { timeout: 20_000 }).toBe("2");
    await alone.close();
  });

  it("elect another when the leader is paused, which follows it when it goes on", async () => {
    const leader = await cluster.leader();
    leader.pause();
    const next = await cluster.leader();
    expect(next.name).not.toBe(leader.name);
    leader.resume();
    await expect.poll(async () => (await put("/c", "3").catch(() => undefined))?.ok, { timeout: 20_000 }).toBe(true);
  });

  it("answer nobody without a certificate of their authority, and are believed with one of it only", async () => {
    const foreign = await newCluster([], new Date());
    const client = await storeClientCredential(foreign.store, "x", new Date());
    const { ca, certificate, key } = cluster.tls;
    const refused = [
      { ca },
      { ca, certificate: client.certificate, key: client.key },
      { ca: foreign.store.certificate, certificate: certificate!, key: key! },
    ];
    for (const tls of refused) {
      const store = new EtcdStore(cluster.url.slice("etcd:".length), { tls, deadlineMs: 300 });
      await expect(store.get("/a")).rejects.toMatchObject({ code: "unavailable" });
      await store.close();
    }
  });

  it("need an authority where their address is https, and https where there is one", () => {
    expect(() => openStore(cluster.url)).toThrow(RangeError);
    expect(() => openStore("etcd:http://127.0.0.1:1", { tls: cluster.tls })).toThrow(RangeError);
    expect(() => openStore("etcd:http://127.0.0.1:1,https://127.0.0.1:2", { tls: cluster.tls })).toThrow(RangeError);
  });
});
