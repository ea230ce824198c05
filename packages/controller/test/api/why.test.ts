import type { Host, LearnedAnswer, LearnedList, LearnedRow, Port, WayAnswer } from "@onehop/core";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Agents } from "../../src/look/agents.ts";
import { type Served, serve, world } from "./fixture.ts";

let served: Served;
let here: Awaited<ReturnType<typeof world>>;
let there: Awaited<ReturnType<typeof world>>;
let port: Port;
let far: Port;
let answer: LearnedAnswer;
const agents: Agents = { ask: async () => answer, watch: async () => ({ stop: () => undefined }) };
const TO = "10.0.2.6";

beforeAll(async () => {
  served = await serve({ agents });
  here = await world(served.root);
  there = await world(served.root, { project: "other" });
  const { root } = served;
  const back = await root.create("networks", { name: "back", vpc_id: here.vpc.id, cidr: "10.0.2.0/24" });
  const create = async (network_id: string, host_id: string, address: string) =>
    (await root.create("ports", { network_id, host_id, addresses: [address] })) as unknown as Port;
  port = await create(here.network.id, here.host.id, "10.0.1.5");
  far = await create(back.id, there.host.id, TO);
});
afterAll(() => served.close());

const entry = (change: Partial<LearnedRow> = {}): LearnedRow => ({
  ...{ vpc: here.vpc.vni, address: TO, host: there.host.number, port: far.id },
  claim: { epoch: 1, revision: far.binding_revision, sequence: 0 },
  ...{ since_ms: 10, taught_ms: 10, used_ms: 1, packets: 3, confirmed: false, silent: false },
  ...change,
});
const learns = (change: Partial<LearnedAnswer>): LearnedAnswer => ({
  ...{ entries: [], ways: [{ vpc: here.vpc.vni, direct: 1, by_hub: 1 }], messages: {}, barred: [] },
  ...change,
});
const why = async (to = TO) =>
  (await served.root.request("POST", "/v1/why", { port_id: port.id, to })).body as WayAnswer;

test("Why a packet goes straight, or by the hub, is said in a sentence.", async () => {
  answer = learns({});
  expect(await why()).toMatchObject({ way: "hub", why: expect.stringContaining("Nothing was learned") });
  answer = learns({ entries: [entry()] });
  expect(await why()).toMatchObject({ way: "direct", confirmed: false, host: { id: there.host.id } });
  answer = learns({ entries: [entry({ silent: true })] });
  expect(await why()).toMatchObject({ way: "hub", why: expect.stringContaining("does not answer") });
  answer = learns({ barred: [{ vpc: here.vpc.vni, host: there.host.number, since: 1 }] });
  expect(await why()).toMatchObject({ way: "hub", why: expect.stringContaining("until it is trusted again") });
  answer = learns({ ways: [] });
  expect(await why()).toMatchObject({ way: "pushed" });
});

test("The hub that packets go by is named, with the time since when what keeps them from going straight began.", async () => {
  const hubs = await Promise.all(
    [7, 8].map((n) =>
      served.root.create("hosts", { name: `hub-${n}`, tunnel_address: `192.0.2.${n}`, roles: ["hub"] }),
    ),
  );
  const [one, two] = hubs.map((hub) => (hub as unknown as Host).number);
  const at = (host: number, silent_ms?: number) =>
    silent_ms === undefined ? { host, silent: false } : { host, silent: true, silent_ms };
  const well = { hubs: [at(two!), at(one!, 50)] };
  const dead = { hubs: [at(two!, 400), at(one!, 3000)] };

  answer = learns(well);
  const fresh = await why();
  expect(fresh).toMatchObject({ way: "hub", hub: { name: "hub-8" }, why: expect.stringContaining("by hub hub-8") });
  expect(fresh.since_ms).toBeUndefined();
  answer = learns({ ...well, entries: [entry({ silent: true, silent_ms: 900 })] });
  expect(await why()).toMatchObject({ way: "hub", hub: { name: "hub-8" }, since_ms: 900 });
  answer = learns({ ...well, entries: [entry({ silent: false, silent_ms: 1100 })] });
  expect(await why()).toMatchObject({ way: "hub", since_ms: 1100, why: expect.stringContaining("answers again") });
  const since = Math.floor(Date.now() / 1000) - 60;
  answer = learns({ ...well, barred: [{ vpc: here.vpc.vni, host: there.host.number, since }] });
  const barred = await why();
  expect(barred).toMatchObject({ way: "hub", hub: { name: "hub-8" } });
  expect(barred.since_ms).toBeGreaterThanOrEqual(60_000);

  answer = learns(dead);
  expect(await why()).toMatchObject({
    ...{ way: "none", since_ms: 400, why: expect.stringContaining("No hub of the VPC answers: hub-8, hub-7.") },
  });
  answer = learns({ ...dead, entries: [entry({ silent: true, silent_ms: 900 })] });
  expect(await why()).toMatchObject({ way: "direct", why: expect.stringContaining("straight all the same") });
  answer = learns({ hubs: [] });
  expect(await why()).toMatchObject({ way: "none", why: expect.stringContaining("knows of no hub") });
  for (const hub of hubs) await served.root.delete("hosts", hub.id);
});

test("In a VPC that wants it, an entry that is not confirmed yet carries nothing.", async () => {
  await served.root.patch("vpcs", here.vpc.id, { learning: "confirmed" });
  answer = learns({ entries: [entry()] });
  expect(await why()).toMatchObject({ way: "hub", why: expect.stringContaining("not confirmed it yet") });
  answer = learns({ entries: [entry({ confirmed: true })] });
  expect(await why()).toMatchObject({ way: "direct", confirmed: true });
});

test("A gateway, a port that moved since, and one whose network the host serves are told apart from what was learned.", async () => {
  answer = learns({});
  expect(await why("10.0.2.1")).toMatchObject({
    way: "local",
    why: expect.stringContaining("gateway of network back"),
  });
  answer = learns({ entries: [entry({ host: here.host.number, confirmed: true })] });
  expect(await why()).toMatchObject({
    way: "direct",
    why: expect.stringContaining(`is on host ${there.host.name} by now`),
  });
  const { network_id } = far as unknown as { readonly network_id: string };
  await served.root.create("ports", { network_id, host_id: here.host.id, addresses: ["10.0.2.7"] });
  answer = learns({});
  expect(await why()).toMatchObject({ way: "pushed", why: expect.stringContaining("hosts of its network") });
});

test("What hosts learned of a VPC, what of it went, and how many packets went straight are summed.", async () => {
  const use = { vpc: here.vpc.vni, entries: 2, aged: 1, evicted: 3, refused: 0 };
  answer = learns({ use: [use], ways: [{ vpc: here.vpc.vni, direct: 3, by_hub: 1 }] });
  const listed = (await served.root.request("GET", `/v1/learned?vpc_id=${here.vpc.id}`)).body as LearnedList;
  expect(listed.ways).toMatchObject([{ vpc: { id: here.vpc.id }, direct: 6, by_hub: 2, ratio: 0.75 }]);
  expect(listed.use).toMatchObject([{ vpc: { id: here.vpc.id }, entries: 4, aged: 2, evicted: 6, refused: 0 }]);
  answer = learns({ ways: [{ vpc: here.vpc.vni, direct: 0, by_hub: 0 }] });
  const idle = (await served.root.request("GET", `/v1/learned?vpc_id=${here.vpc.id}`)).body as LearnedList;
  expect([idle.ways[0]?.ratio, idle.use]).toEqual([undefined, []]);
});
