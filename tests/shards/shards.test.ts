import { keys } from "@onehop/store";
import { IntentBuilder } from "@onehop/testkit/intent_builder";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Cluster, until } from "./cluster.ts";

const make = new IntentBuilder();
const PROJECT = "00000000-0000-4000-8000-00000000face";
const hosts = [1, 2].map((n) => make.host({ name: `h${n}`, number: n, tunnel_address: `192.0.2.${n}` }));
const vpcs = Array.from({ length: 8 }, (_, v) => {
  const vpc = make.vpc({ project_id: PROJECT, cidrs: ["10.0.0.0/16"], vni: 5000 + 10 * v });
  const network = make.network(vpc, { cidr: "10.0.1.0/24", gateway: "10.0.1.1", vni: 5001 + 10 * v });
  const ports = hosts.map((host, n) =>
    make.port(network, {
      addresses: [`10.0.1.${n + 5}`],
      mac: `0a:00:00:00:0${v}:0${n}`,
      host_id: host.id,
      device: { kind: "veth", namespace: `ns-${v}-${n}` },
    }),
  );
  return { vpc, network, ports };
});

describe("controllers as processes", () => {
  let cluster: Cluster;
  beforeAll(async () => {
    cluster = await Cluster.start();
    await cluster.putIntent(make.build());
    for (const name of ["c1", "c2", "c3"]) cluster.start(name);
    await until("three own everything", () => cluster.isSplitAmong("c1", "c2", "c3"));
    for (const host of hosts) await cluster.agent(host.name, "c1");
    await until("both hosts have everything", () => allReported());
  }, 60_000);
  afterAll(() => cluster.close());

  const wanted = 2 + 2 * vpcs.length;
  const allReported = async () => {
    const reports = await Promise.all(hosts.map((host) => cluster.reported(host.id)));
    return reports.every((applied) => applied.size === wanted);
  };
  /** Changes a port of each VPC; resolves when both hosts have reported all of it. */
  const changeAll = async (address: string) => {
    const changed = vpcs.map(({ ports }) => ({ ...ports[0]!, allowed_addresses: [address] }));
    const revision = await cluster.put("ports", changed);
    const isHere = async (hostId: string) => {
      const applied = await cluster.reported(hostId);
      return vpcs.every(({ network }) => (applied.get(`network/${network.id}`)?.generation ?? 0) >= revision);
    };
    await until(`${address} is everywhere`, async () =>
      (await Promise.all(hosts.map((h) => isHere(h.id)))).every(Boolean),
    );
  };

  it("share the VPCs, and an agent that was told of one of them is served by all (Q17, D6)", async () => {
    await changeAll("172.16.1.0/24");
    const counts = [...(await cluster.claims()).values()].map((claim) => claim.name);
    for (const name of ["c1", "c2", "c3"]) expect(counts.filter((n) => n === name).length).toBeGreaterThan(0);
  });

  it("of which one was killed are served by the others before its lease could end, with higher epochs (D5)", async () => {
    const before = await cluster.claims();
    const { revision } = await cluster.store.range({ prefix: keys.members });
    cluster.signal("c1", "SIGKILL");
    await until("it is buried", async () => !(await cluster.members()).includes("c1"));
    await until("the others own everything", () => cluster.isSplitAmong("c2", "c3"));
    const after = await cluster.claims();
    for (const [shard, claim] of before) {
      if (claim.name === "c1") expect(after.get(shard)!.revision).toBeGreaterThan(revision);
      // Those of the others stay as they are: nobody notices anything.
      else expect(after.get(shard)).toEqual(claim);
    }
    await changeAll("172.16.2.0/24");
  });

  it("of which one hangs are served by the other; it wakes up, harms nothing, and gets its share again", async () => {
    const before = await cluster.claims();
    cluster.signal("c2", "SIGSTOP");
    await until("the other owns everything", () => cluster.isSplitAmong("c3"));
    await changeAll("172.16.3.0/24");
    const held = await cluster.reported(hosts[0]!.id);
    cluster.signal("c2", "SIGCONT");
    await until("it has a share again", () => cluster.isSplitAmong("c2", "c3"));
    await changeAll("172.16.4.0/24");
    const after = await cluster.claims();
    for (const [shard, claim] of after) expect(claim.revision).toBeGreaterThanOrEqual(before.get(shard)!.revision);
    for (const [id, { epoch }] of await cluster.reported(hosts[0]!.id))
      expect(epoch).toBeGreaterThanOrEqual(held.get(id)!.epoch);
  });

  it("of which one came anew under its old name serve as before (D5)", async () => {
    cluster.start("c1");
    await until("all have a share", () => cluster.isSplitAmong("c1", "c2", "c3"));
    await changeAll("172.16.5.0/24");
  });
});
