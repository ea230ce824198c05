import { keys, MemoryStore, type Store } from "@onehop/store";
import fc from "fast-check";
import { expect, test } from "vitest";
import { privateEtcd, type Served, serve, world } from "./fixture.ts";

const RUNS = process.env.ONEHOP_FULL ? 200 : 20;
const NOTHING_RESTS = { addressRest: 0, vniRest: 0 };

const small = fc.nat({ max: 3 });
const step = fc.oneof(
  fc.record({ do: fc.constant("create network" as const), n: small, range: small }),
  fc.record({ do: fc.constant("create port" as const), n: small, at: small, address: small, bound: fc.boolean() }),
  fc.record({ do: fc.constant("create route" as const), n: small, hop: small }),
  fc.record({ do: fc.constant("rename" as const), kind: small, at: small, n: small }),
  fc.record({ do: fc.constant("label" as const), kind: small, at: small, n: small }),
  fc.record({ do: fc.constant("delete" as const), kind: small, at: small }),
  fc.record({ do: fc.constant("bind" as const), at: small, n: small }),
  fc.record({ do: fc.constant("ranges" as const), n: small }),
  fc.record({ do: fc.constant("hop" as const), at: small, hop: small }),
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

const RANGES = [["10.0.0.0/16"], ["10.0.0.0/16", "10.1.0.0/16"], ["10.1.0.0/16", "10.0.0.0/16"], ["10.0.0.0/15"]];
const PLURALS = ["vpcs", "networks", "ports", "routes"] as const;

interface Named {
  readonly id: string;
  readonly name: string;
  /** Of a network. */
  readonly cidr?: string;
}

class World {
  readonly served: Served;
  readonly base: Awaited<ReturnType<typeof world>>;

  constructor(served: Served, base: Awaited<ReturnType<typeof world>>) {
    this.served = served;
    this.base = base;
  }

  /** One change; what the API refuses is no change. */
  async take(s: Step): Promise<void> {
    await this.#take(s).catch((error) => {
      if (error?.detail?.status >= 500 || !error?.detail) throw error;
    });
  }

  async #take(s: Step): Promise<unknown> {
    const { root } = this.served;
    const { vpc, host } = this.base;
    const pick = async (plural: (typeof PLURALS)[number], n: number): Promise<Named | undefined> => {
      const all: Named[] = (await root.list(plural)).sort((a, b) => (a.name < b.name ? -1 : 1));
      return all[n % Math.max(1, all.length)];
    };
    const device = (n: number) => ({ host_id: host.id, device: { kind: "adopt", name: `tap${n}` } });
    switch (s.do) {
      case "create network":
        return root.create("networks", {
          name: `n-${s.n}`,
          vpc_id: vpc.id,
          cidr: `10.${s.range % 2}.${s.range + 2}.0/29`,
        });
      case "create port": {
        const network = await pick("networks", s.at);
        if (!network) return;
        const address = network.cidr!.replace(/\d+\/\d+$/, String(s.address + 2));
        const body = { name: `p-${s.n}`, network_id: network.id, addresses: [address] };
        return root.create("ports", s.bound ? { ...body, ...device(s.n) } : body);
      }
      case "create route":
        return root.create("routes", {
          name: `r-${s.n}`,
          vpc_id: vpc.id,
          destination: `172.${16 + s.n}.0.0/16`,
          next_hop: `10.${s.hop % 2}.1.${s.hop}`,
        });
      case "ranges":
        return root.patch("vpcs", vpc.id, { cidrs: RANGES[s.n] });
      case "bind": {
        const port = await pick("ports", s.at);
        return port && root.patch("ports", port.id, s.n === 0 ? { host_id: null, device: null } : device(s.n));
      }
      case "hop": {
        const route = await pick("routes", s.at);
        return route && root.patch("routes", route.id, { next_hop: `10.${s.hop % 2}.1.${s.hop}` });
      }
      default:
        return this.#any(s, await pick(PLURALS[s.kind]!, s.at));
    }
  }

  async #any(s: Extract<Step, { kind: number }>, object: { id: string; name: string } | undefined): Promise<unknown> {
    if (!object) return;
    const { root } = this.served;
    const plural = PLURALS[s.kind]!;
    if (s.do === "delete") return plural === "vpcs" ? undefined : root.delete(plural, object.id);
    if (s.do === "label") return root.patch(plural, object.id, { labels: { l: String(s.n) } });
    return root.patch(plural, object.id, { name: `${plural[0]}-${s.n}` });
  }

  /** All that is to be as it was: objects, what they hold, and what is counted. Bindings only ever get newer. */
  async state(): Promise<unknown> {
    const { entries } = await this.served.store.range({ prefix: "/onehop/" });
    const kept = entries.filter((e) => !/\/(history|header|history-end)\//.test(e.key) && e.value !== "0");
    return kept.map((e) => {
      if (!e.key.startsWith(keys.objects)) return [e.key, e.value];
      const { updated_at: _, binding_revision: __, ...object } = JSON.parse(e.value);
      return [e.key, object];
    });
  }

  async revision(): Promise<number> {
    return (await this.served.store.range({ prefix: "/", limit: 1 })).revision;
  }

  async rollback(to: number): Promise<unknown> {
    return this.served.root.request("POST", `/v1/vpcs/${this.base.vpc.id}/rollback`, { to_revision: to });
  }
}

const goesBack = (storeOf: () => Promise<Store>, numRuns: number) =>
  fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 2, maxLength: 14 }), fc.nat(), async (steps, where) => {
      const served = await serve({ store: await storeOf(), limits: NOTHING_RESTS });
      try {
        const w = new World(served, await world(served.root));
        const seen: { revision: number; state: unknown }[] = [];
        for (const s of steps) {
          seen.push({ revision: await w.revision(), state: await w.state() });
          await w.take(s);
        }
        const { revision, state } = seen[where % seen.length]!;
        const last = { revision: await w.revision(), state: await w.state() };
        await w.rollback(revision);
        expect(await w.state()).toEqual(state);
        await w.rollback(last.revision);
        expect(await w.state()).toEqual(last.state);
      } finally {
        await served.close();
      }
    }),
    { numRuns, endOnFailure: false },
  );

test("D16: whatever was done to a VPC, a rollback brings back every key that it had, and is undone by another", async () => {
  await goesBack(async () => new MemoryStore(), RUNS);
});

test("D16: and so it does on etcd, in transactions that etcd takes", async () => {
  const etcd = await privateEtcd("unsafe");
  const clean = async (): Promise<Store> => {
    await etcd.store.txn({ compare: [], then: [{ deletePrefix: "/" }] });
    return etcd.store;
  };
  try {
    await goesBack(clean, Math.ceil(RUNS / 5));
  } finally {
    await etcd.stop();
  }
});

test("A rollback amid others' writes, in two processes, leaves no counter and no key astray", async () => {
  const store = new MemoryStore();
  const [one, other] = [await serve({ store, limits: NOTHING_RESTS }), await serve({ store, limits: NOTHING_RESTS })];
  const base = await world(one.root);
  const w = new World(one, base);
  const good = await w.revision();
  const write = async (served: Served, from: number) => {
    for (let i = from; i < from + 20; i++)
      await served.root.create("ports", { name: `p-${i}`, network_id: base.network.id });
  };
  const back = async () => {
    for (let i = 0; i < 5; i++) await w.rollback(good);
  };
  await Promise.all([write(one, 0), write(other, 100), back()]);
  await w.rollback(good);
  const { entries } = await store.range({ prefix: "/onehop/" });
  const astray = entries.filter(
    ({ key, value }) => /\/(ports|address|mac)\//.test(key) || (/\/quota\/.*ports$/.test(key) && value !== "0"),
  );
  expect(astray).toEqual([]);
  await Promise.all([one.close(), other.close()]);
});
