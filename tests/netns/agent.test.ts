import { readFileSync } from "node:fs";
import { ping } from "@onehop/lab/traffic/ping";
import type { HostKernel, Pinned } from "@onehop/testkit/netns/kernel";
import { Scene } from "@onehop/testkit/netns/scene";
import { echoServer, Flow, paced, roundTrips } from "@onehop/testkit/netns/talk";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const HOSTS = ["h1", "h2"] as const;
const REGION = { vpcs: { v: ["10.0.0.0/16"] }, networks: { "v/front": "10.0.1.0/24", "v/back": "10.0.2.0/24" } };
const PATIENT = { timeout: 20_000 };

let scene: Scene;
let from: string;

beforeAll(async () => {
  scene = await Scene.of(
    { hosts: 2 },
    {
      ...REGION,
      ports: {
        a1: { in: "v/front", address: "10.0.1.11", host: "h1" },
        a2: { in: "v/back", address: "10.0.2.12", host: "h1" },
        a3: { in: "v/front", address: "10.0.1.13", host: "h2" },
        b3: { in: "v/back", address: "10.0.2.13", host: "h2" },
        c3: { in: "v/front", address: "10.0.1.14", host: "h2" },
        d3: { in: "v/back", address: "10.0.2.14", host: "h2" },
      },
    },
  );
  from = scene.guest("v-a1").namespace;
  for (const name of ["v-a2", "v-a3", "v-b3", "v-c3", "v-d3"]) {
    const { namespace, addresses } = scene.guest(name);
    await scene.keep(echoServer({ namespace, address: addresses[0]! }));
  }
});
afterAll(() => scene?.close());

const agent = (host: string) => scene.lab.agents.get(host)!;
/** As proc(5) has it: T is stopped. */
const stateOf = (pid: number): string =>
  readFileSync(`/proc/${pid}/stat`, "utf8")
    .replace(/^.*\) /, "")
    .charAt(0);
const kernels = (): HostKernel[] => HOSTS.map((host) => scene.kernel(host));

/** Flows to each of these, TCP and UDP, that live on. */
async function established(addresses: readonly string[]): Promise<Flow[]> {
  const flows = addresses.flatMap((to) => (["tcp", "udp"] as const).map((kind) => Flow.open(kind, from, to)));
  return Promise.all(flows.map((flow) => scene.keep(flow)));
}

/** Established flows go on and new ones come about, with no packet dropped and nothing told to anybody. */
async function expectTraffic(flows: readonly Flow[], strangers: readonly string[]): Promise<void> {
  const before = kernels().map((k) => [k.allDrops(), k.events().length]);
  for (const flow of flows) expect(await flow.ask(200)).toBe(200);
  for (const to of strangers) {
    expect(await ping({ namespace: from, to, count: 5 })).toMatchObject({ sent: 5, received: 5 });
    for (const kind of ["tcp", "udp"] as const) expect(await roundTrips(kind, from, to)).toBe(20);
  }
  expect(kernels().map((k) => k.allDrops())).toEqual(before.map(([drops]) => drops));
  expect(kernels().flatMap((k) => k.events())).toEqual([]);
}

/** Kills the agents and starts them again; resolves when the programs of the new ones are in place. */
async function restartAgents(): Promise<{ before: Pinned[]; after: Pinned[] }> {
  const pinned = () => Promise.all(kernels().map((k) => k.pinned()));
  const before = await pinned();
  for (const host of HOSTS) await agent(host).kill();
  for (const host of HOSTS) await scene.lab.startAgent(host);
  const old = new Set(before.flatMap((p) => Object.values(p.programs)));
  const replaced = async () => (await pinned()).every((p) => Object.values(p.programs).every((id) => !old.has(id)));
  await expect.poll(replaced, PATIENT).toBe(true);
  await scene.lab.realised();
  return { before, after: await pinned() };
}

describe("forwarding is the kernel's alone", () => {
  test("Q20: with every agent stopped and then killed, established and new flows go on without a drop or an upcall", async () => {
    const flows = await established(["10.0.2.12", "10.0.1.13", "10.0.2.13"]);
    await expectTraffic(flows, []);
    for (const host of HOSTS) {
      process.kill(agent(host).id.pid, "SIGSTOP");
      await expect.poll(() => stateOf(agent(host).id.pid), PATIENT).toBe("T");
    }
    await expectTraffic(flows, ["10.0.1.14"]);
    for (const host of HOSTS) await agent(host).kill();
    await expectTraffic(flows, ["10.0.2.14"]);
    for (const host of HOSTS) await scene.lab.startAgent(host);
    await scene.lab.realised();
    await expectTraffic(flows, []);
  });
});

describe("an agent that starts again", () => {
  test("adopts the pinned maps and links, and puts its programs in place of the old ones, losing no packet", async () => {
    const [flow] = await established(["10.0.2.13"]);
    const drops = kernels().map((k) => k.allDrops());
    let count = 0;
    const { sent, answered } = await paced(from, "10.0.1.13", async () => {
      for (; count < 2; count++) {
        const { before, after } = await restartAgents();
        for (const [i, { maps, links, programs }] of after.entries()) {
          expect(maps).toEqual(before[i]!.maps);
          expect(links).toEqual(before[i]!.links);
          expect(Object.keys(programs)).toEqual(Object.keys(before[i]!.programs));
        }
        expect(await flow!.ask(100)).toBe(100);
      }
    });
    expect(sent).toBeGreaterThan(1000);
    expect(answered).toBe(sent);
    expect(kernels().map((k) => k.allDrops())).toEqual(drops);
  });

  test("finds every map under a name with its layout's version", async () => {
    for (const kernel of kernels()) {
      const { maps, links } = await kernel.pinned();
      expect(Object.keys(maps).filter((name) => !/^[a-z_]+_v[1-9]\d*$/.test(name))).toEqual([]);
      expect(Object.keys(maps)).toEqual(expect.arrayContaining(["destinations_v1", "endpoints_v1", "links_v1"]));
      expect(Object.keys(links)).toEqual(expect.arrayContaining(["uplink_up0", "overlay_oh-vxlan"]));
    }
  });

  test("does what changed while it was away: a port more and a port less", async () => {
    await agent("h2").kill();
    const { client } = scene.lab;
    await client.delete("ports", scene.guest("v-c3").port_id);
    await scene.lab.startAgent("h2");
    await scene.apply({ ...REGION, ports: { e3: { in: "v/front", address: "10.0.1.15", host: "h2" } } });
    expect((await ping({ namespace: from, to: "10.0.1.15", count: 5 })).received).toBe(5);
    expect((await ping({ namespace: from, to: "10.0.1.14", count: 2 })).received).toBe(0);
  });
});
