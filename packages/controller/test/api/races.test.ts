import { type Client, idempotencyKey, ifMatch } from "@onehop/api";
import { OnehopError } from "@onehop/core";
import { keys, MemoryStore, type Store, type Txn } from "@onehop/store";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { privateEtcd, randomUUID, refusal, type Served, serve, world } from "./fixture.ts";

/** Eight VNIs in the region. */
const small = { vniFrom: 5001, vniTo: 5008, vniRest: 0, addressRest: 0 };

const engines = [
  { engine: "memory", open: async () => ({ store: new MemoryStore() as Store, stop: async () => {} }) },
  { engine: "etcd", open: () => privateEtcd("unsafe") },
];

/** Two API processes on one store, and many requests at once: what is there once is given once. */
describe.each(engines)("two servers on one $engine store:", ({ open }) => {
  let store: Store;
  let stop: () => Promise<void>;
  let one: Served;
  let two: Served;
  beforeAll(async () => {
    ({ store, stop } = await open());
  });
  afterAll(() => stop());
  beforeEach(async () => {
    [one, two] = await Promise.all([serve({ store, limits: small }), serve({ store, limits: small })]);
  });
  afterEach(async () => {
    await Promise.all([one.close(), two.close()]);
    await store.txn({ compare: [], then: [{ deletePrefix: "/onehop/" }] });
  });

  /** Calls from both processes at once; the codes of those that were refused, and what the others made. */
  async function race<T>(count: number, call: (client: Client, i: number) => Promise<T>) {
    const all = await Promise.allSettled(Array.from({ length: count }, (_, i) => call(i % 2 ? two.root : one.root, i)));
    const made = all.flatMap((r) => (r.status === "fulfilled" ? [r.value] : []));
    const codes = all.flatMap((r) => (r.status === "rejected" ? [codeOf(r.reason)] : []));
    return { made, codes };
  }
  test("the last addresses of a network go to exactly as many ports", async () => {
    const { vpc } = await world(one.root);
    const network = await one.root.create("networks", { vpc_id: vpc.id, cidr: "10.0.9.0/29" });
    const { made, codes } = await race(12, (client) => client.create("ports", { network_id: network.id }));
    expect(new Set(made.map((p) => p.addresses[0])).size).toBe(5);
    expect(codes).toEqual(Array.from({ length: 7 }, () => "address_exhausted"));
  });

  test("one address asked for by many goes to one", async () => {
    const { network } = await world(one.root);
    const body = { network_id: network.id, addresses: ["10.0.1.9"] };
    const { made, codes } = await race(10, (client) => client.create("ports", body));
    expect(made).toHaveLength(1);
    expect(new Set(codes)).toEqual(new Set(["address_taken"]));
  });

  test("Q6: the last VNIs go to exactly as many networks, each its own", async () => {
    const { vpc, network } = await world(one.root);
    const { made, codes } = await race(10, (client) => client.create("networks", { vpc_id: vpc.id }));
    const vnis = [vpc.vni, network.vni, ...made.map((n) => n.vni)];
    expect(vnis.toSorted()).toEqual([5001, 5002, 5003, 5004, 5005, 5006, 5007, 5008]);
    expect(new Set(codes)).toEqual(new Set(["vni_exhausted"]));
    expect(new Set(made.map((n) => n.cidr)).size).toBe(6);
  });

  test("the last unit of a quota goes to one", async () => {
    const project = await one.root.create("projects", { name: "tight", quotas: { vpcs: 2 } });
    const body = (i: number) => ({ name: `v${i}`, project_id: project.id, cidrs: ["10.0.0.0/16"] });
    const { made, codes } = await race(6, (client, i) => client.create("vpcs", body(i)));
    expect(made).toHaveLength(2);
    expect(codes).toEqual(Array.from({ length: 4 }, () => "quota_exceeded"));
    const detail = await refusal(one.root.create("vpcs", body(9)));
    expect(detail.fields).toEqual({ quota: "vpcs", limit: 2, used: 2 });
    await two.root.delete("vpcs", made[0]!.id);
    await one.root.create("vpcs", body(9));
  });

  test("a port that many delete is gone once, and what counts ports counts it once", async () => {
    const { network } = await world(one.root);
    const ports = await Promise.all([1, 2, 3].map(() => one.root.create("ports", { network_id: network.id })));
    const { made, codes } = await race(8, (client) => client.delete("ports", ports[0]!.id));
    expect([made.length, new Set(codes)]).toEqual([1, new Set(["not_found"])]);
    const counted = await store.get(keys.quota(network.id, "ports"));
    expect(counted?.value).toBe("2");
  });

  test("ports that come and go at once under the same names leave as many as are there", async () => {
    const { network } = await world(one.root);
    const body = (i: number) => ({
      network_id: network.id,
      name: `p${i >> 1}`,
      addresses: [`10.0.1.${20 + (i >> 1)}`],
    });
    const first = await Promise.all([0, 2, 4, 6, 8].map((i) => one.root.create("ports", body(i))));
    await race<unknown>(20, (client, i) => {
      const gone = first[i >> 2]!;
      return i % 4 < 2 ? client.delete("ports", gone.id) : client.create("ports", body(2 * (i >> 2)));
    });
    const left = await one.root.list("ports", { network_id: network.id });
    expect((await store.get(keys.quota(network.id, "ports")))?.value).toBe(String(left.length));
    expect(new Set(left.map((p) => p.name)).size).toBe(left.length);
    const taken = (await store.range({ prefix: keys.addressesOf(network.id) })).entries;
    expect(taken.map((e) => e.value).sort()).toEqual(left.map((p) => p.id).sort());
  });

  test("what one process remembers of the other's objects refuses nobody, and lets nothing through", async () => {
    const { vpc, network } = await world(one.root);
    await one.root.create("ports", { network_id: network.id, name: "kept" });
    await two.root.patch("networks", network.id, { name: "renamed" });
    const port = await one.root.create("ports", { network_id: network.id, name: "again" });
    await two.root.delete("ports", port.id);
    expect(codeOf(await one.root.delete("ports", port.id).catch((e) => e))).toBe("not_found");
    const other = await one.root.create("networks", { vpc_id: vpc.id });
    const lone = await one.root.create("ports", { network_id: other.id });
    await two.root.delete("ports", lone.id);
    await two.root.delete("networks", other.id);
    expect(codeOf(await one.root.create("ports", { network_id: other.id }).catch((e) => e))).toBe("unknown_reference");
  });

  test("networks that overlap are created once", async () => {
    const { vpc } = await world(one.root);
    const cidrs = ["10.0.16.0/20", "10.0.16.0/21", "10.0.16.0/22", "10.0.16.0/24"];
    const { made, codes } = await race(4, (client, i) =>
      client.create("networks", { vpc_id: vpc.id, cidr: cidrs[i]! }),
    );
    expect(made).toHaveLength(1);
    expect(codes).toEqual(["cidr_overlap", "cidr_overlap", "cidr_overlap"]);
  });

  test("a parent is deleted or gets a child, never both", async () => {
    const { vpc } = await world(one.root);
    for (let i = 0; i < 10; i++) {
      const network = await one.root.create("networks", { vpc_id: vpc.id, name: `n${i}` });
      const [removed, made] = await Promise.allSettled([
        one.root.delete("networks", network.id),
        two.root.create("ports", { network_id: network.id }),
      ]);
      expect([removed.status, made.status].filter((s) => s === "fulfilled")).toHaveLength(1);
      if (made.status === "fulfilled") await two.root.delete("ports", made.value.id);
      if (removed.status === "rejected") await one.root.delete("networks", network.id);
    }
  });

  test("a VPC's ranges are narrowed or a network is made in them, never both", async () => {
    const { vpc } = await world(one.root);
    await one.root.patch("vpcs", vpc.id, { cidrs: ["10.0.0.0/16", "10.9.0.0/16"] });
    const meanwhile = () => two.root.create("networks", { vpc_id: vpc.id, cidr: "10.9.1.0/24" });
    const late = await serve({ store: beforeFirstWrite(store, meanwhile) });
    const detail = await refusal(late.root.patch("vpcs", vpc.id, { cidrs: ["10.0.0.0/16"] }));
    expect(detail).toMatchObject({ status: 409, code: "in_use", errors: [{ pointer: "/cidrs" }] });
    await late.close();
  });

  test("of concurrent edits of one revision, one is accepted and the others are told", async () => {
    const { vpc } = await world(one.root);
    const edit = (client: Client, i: number) => client.patch("vpcs", vpc.id, { labels: { by: `${i}` } }, ifMatch(vpc));
    const { made, codes } = await race(6, edit);
    expect(made).toHaveLength(1);
    expect(codes).toEqual(Array.from({ length: 5 }, () => "revision_mismatch"));
  });

  test("a retry, sent to the other process before or after the answer, gets the first answer", async () => {
    const { network } = await world(one.root);
    const key = idempotencyKey(randomUUID());
    const { made } = await race(6, (client) => client.create("ports", { network_id: network.id }, key));
    expect(made).toHaveLength(6);
    expect(new Set(made.map((p) => JSON.stringify(p))).size).toBe(1);
    const id = randomUUID();
    const again = await race(6, (client) => client.create("ports", { id, network_id: network.id }));
    expect(new Set(again.made.map((p) => JSON.stringify(p))).size).toBe(1);
    expect((await one.root.list("ports")).length).toBe(2);
  });

  test("two bulks for the same addresses share them out", async () => {
    const { network } = await world(one.root);
    const items = Array.from({ length: 100 }, (_, i) => ({ network_id: network.id, addresses: [`10.0.1.${i + 10}`] }));
    const answers = await Promise.all(
      [one, two].map(
        async (s) =>
          (await s.root.request("POST", "/v1/ports:bulk", { items })).body as { results: { status: number }[] },
      ),
    );
    for (const [i, result] of answers[0]!.results.entries())
      expect([result.status, answers[1]!.results[i]!.status].toSorted()).toEqual([201, 409]);
    expect(await one.root.list("ports")).toHaveLength(100);
  });

  test("host numbers and tunnel addresses are given once", async () => {
    const body = (i: number) => ({ name: `h${i}`, tunnel_address: `192.0.2.${1 + (i % 8)}` });
    const { made, codes } = await race(16, (client, i) => client.create("hosts", body(i)));
    expect(made.map((h) => h.number).toSorted((a, b) => a - b)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect(new Set(codes)).toEqual(new Set(["tunnel_taken"]));
  });
});

/** A store behind which something happens between the planning of the first write and the write. */
function beforeFirstWrite(store: Store, happens: () => Promise<unknown>): Store {
  let pending: (() => Promise<unknown>) | undefined = happens;
  return new Proxy(store, {
    get(target, name: keyof Store) {
      const real = (target[name] as (...args: unknown[]) => unknown).bind(target);
      if (name !== "txn") return real;
      return async (txn: Txn) => {
        const first = pending;
        pending = undefined;
        await first?.();
        return real(txn);
      };
    },
  });
}

const codeOf = (error: unknown): string => (error instanceof OnehopError ? error.code : String(error));
