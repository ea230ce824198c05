import { fileURLToPath } from "node:url";
import type { BarList } from "@onehop/core";
import { type Datapath, OBJECT_DIR, openDatapath } from "@onehop/datapath";
import { Lab, run, until } from "@onehop/lab";
import { ping } from "@onehop/lab/traffic/ping";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { addressOf, FILE } from "./lab.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const CLAIM = { epoch: 1, sequence: 0 };

/** What controllers and agents decide of learning: h1 to h3 have guests, and h4 and h5 are to become hubs. */
let lab: Lab;
let guests: Awaited<ReturnType<Lab["guests"]>>;
const opened: Datapath[] = [];
beforeAll(async () => {
  await run([`${ROOT}/tools/setup.sh`]);
  lab = await Lab.up({ hosts: 5 });
  await lab.apply(FILE);
  await lab.realised();
  guests = await lab.guests();
});
afterAll(async () => {
  for (const datapath of opened) datapath.close();
  await lab?.close();
});

const guest = (n: number) => guests.find((g) => g.port === `g${n}`)!;
const talk = (from: number, to: number, count: number) =>
  ping({ namespace: guest(from).namespace, to: addressOf(to), count, intervalMs: 5 });
const hostNamed = async (name: string) => (await lab.client.list("hosts")).find((h) => h.name === name)!;
const role = async (name: string, roles: readonly string[]) =>
  lab.client.patch("hosts", (await hostNamed(name)).id, { roles });
/** The host's maps as the kernel has them. */
async function mapsOf(name: string): Promise<Datapath["maps"]> {
  const { number } = (await hostNamed(name)) as unknown as { readonly number: number };
  const config = { tunnel_address: lab.host(name).tunnelAddress, host: number };
  const datapath = openDatapath({ objectDir: OBJECT_DIR, pins: lab.files.pins(name), config, programs: [] });
  opened.push(datapath);
  return datapath.maps;
}
const trust = async (name: string) =>
  (await lab.client.request("POST", `/v1/hosts/${(await hostNamed(name)).id}/trust`)).body as BarList;

describe("hubs that are declared while guests talk", () => {
  test("Q29 D11: cost no packet of a flow that goes on, nor of pairs that are new", async () => {
    const { destinations } = await mapsOf("h1");
    expect([...destinations.keys()]).toHaveLength(6);
    const flow = talk(1, 2, 600);
    await role("h4", ["hub"]);
    await role("h5", ["hub"]);
    await until(
      "hosts to be told of their own networks only",
      async () => [...destinations.keys()].length === 2 || undefined,
    );
    expect(await talk(1, 3, 5)).toMatchObject({ sent: 5, received: 5 });
    expect(await flow).toMatchObject({ sent: 600, received: 600 });
    await lab.realised();
  });

  test("a hub says so in its report, and its rules say that the VPC found room", async () => {
    const { vpc_rules, hub_sync } = await mapsOf("h4");
    expect([...vpc_rules].map(([, { is_hub, fits }]) => [is_hub, fits])).toEqual([[1, 1]]);
    expect(hub_sync.get(0)!.until).toBeGreaterThan(0n);
  });
});

describe("a claim above what the controllers know", () => {
  const lie = async () => {
    const { learned, destinations } = await mapsOf("h1");
    const [key] = [...destinations.keys()];
    const { number } = (await hostNamed("h3")) as unknown as { readonly number: number };
    const now = process.hrtime.bigint();
    const times = { used: now, asked: now, taught: now, since: now };
    const claim = { ...CLAIM, revision: 1_000_000 };
    const entry = { host: number, roster: 0, packets: 0, port: guest(2).port_id, claim, ...times };
    learned.set({ vpc: key!.vpc, address: "10.0.2.99" }, entry);
    return { vpc: key!.vpc, host: number };
  };

  test("bars the host that made it, in that VPC, until an operator trusts it again", async () => {
    const { barred, learned } = await mapsOf("h1");
    const bar = await lie();
    await until("it to be found false", async () => (barred.get(bar) ? true : undefined));
    await until(
      "it to be gone",
      async () => learned.get({ vpc: bar.vpc, address: "10.0.2.99" }) === undefined || undefined,
    );
    expect([...barred.keys()]).toEqual([bar]);
    const { barred: told } = (await lab.client.request("GET", "/v1/learned")).body as { barred: unknown[] };
    expect(told).toMatchObject([{ at: { name: "h1" }, host: { name: "h3" }, vpc: { name: "v" } }]);
    expect(await trust("h3")).toMatchObject({ items: [{ at: { name: "h1" }, host: { name: "h3" } }], silent: [] });
    expect([...barred.keys()]).toEqual([]);
    expect(await trust("h3")).toMatchObject({ items: [] });
  });
});

describe("a VPC that wants what is learned confirmed", () => {
  const way = async () =>
    (await lab.client.request("POST", "/v1/why", { port_id: guest(2).port_id, to: addressOf(3) })).body;

  test("stays on the hub until the controllers have confirmed it, and loses nothing", async () => {
    const { endpoints, ways } = await mapsOf("h2");
    await lab.client.patch("vpcs", guest(2).vpc_id, { learning: "confirmed" });
    await until("the programs to know", async () => [...endpoints].some(([, e]) => e.learns === 2) || undefined);
    const slot = [...endpoints].find(([, e]) => e.learns === 2)![0];
    await lab.controller?.kill();
    expect(await talk(2, 3, 20)).toMatchObject({ sent: 20, received: 20 });
    const before = ways.get(slot)!;
    expect(await talk(2, 3, 20)).toMatchObject({ sent: 20, received: 20 });
    expect(ways.get(slot)).toEqual({ direct: before.direct, by_hub: before.by_hub + 20 });
    await lab.startController();
    await until("it to be confirmed", async () => {
      await talk(2, 3, 2);
      const now = (await way().catch(() => undefined)) as { way?: string } | undefined;
      return now?.way === "direct" || undefined;
    });
    const then = ways.get(slot)!;
    expect(await talk(2, 3, 20)).toMatchObject({ sent: 20, received: 20 });
    expect(ways.get(slot)).toEqual({ direct: then.direct + 20, by_hub: then.by_hub });
  });
});

describe("a host that is removed", () => {
  test("does not know the VPC's key any more: another is given at once", async () => {
    const { vpc_keys } = await mapsOf("h1");
    const version = () => [...vpc_keys][0]![1].version;
    expect(version()).toBe(1);
    await lab.client.delete("ports", guest(3).port_id);
    await lab.realised();
    await lab.agents.get("h3")?.kill();
    await lab.client.delete("hosts", (await hostNamed("h3")).id);
    await until("its key to be accepted no more", async () => version() >= 3 || undefined);
    expect(await talk(1, 2, 5)).toMatchObject({ received: 5 });
  });
});
