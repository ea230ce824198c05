import { GATEWAY_MAC } from "@onehop/core";
import { type Guest, inNamespace, ipBatch, run } from "@onehop/lab";
import { ping } from "@onehop/lab/traffic/ping";
import { Scene, tunnelOf } from "@onehop/testkit/netns/scene";
import { listen } from "@onehop/testkit/netns/wire";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const MOVER = { address: "10.0.1.50", mac: "0a:00:00:00:01:50", device: "mover0" };
const REGION = { vpcs: { v: ["10.0.0.0/8"] }, networks: { "v/front": "10.0.1.0/24", "v/back": "10.0.2.0/24" } };

let scene: Scene;
/** Namespace of the guest that moves. Its card stays in it, like a machine's that is moved alive. */
let mover: string;

beforeAll(async () => {
  scene = await Scene.up({ hosts: 3 });
  mover = scene.lab.namespaceOf("mover");
  await ipBatch([
    `netns add ${mover}`,
    `link add ${MOVER.device} netns ${hostSpace("h2")} type veth peer name eth0 address ${MOVER.mac} netns ${mover}`,
  ]);
  await ipBatch(
    ["link set eth0 addrgenmode none up", `address add ${MOVER.address}/24 dev eth0`, "route add default via 10.0.1.1"],
    mover,
  );
  // A machine that is moved alive sees no cable out; the kernel must not forget its neighbours for one.
  const keep = inNamespace(mover, ["tee", "/proc/sys/net/ipv4/conf/eth0/arp_evict_nocarrier"]);
  await run(keep, { input: "0" });
  await scene.apply({
    ...REGION,
    ports: {
      mover: { in: "v/front", ...MOVER, host: "h2", adopt: MOVER.device },
      p1: { in: "v/front", address: "10.0.1.11", host: "h1" },
      p2: { in: "v/front", address: "10.0.1.12", host: "h2" },
      p3: { in: "v/front", address: "10.0.1.13", host: "h3" },
      q1: { in: "v/back", address: "10.0.2.11", host: "h1" },
    },
  });
});
afterAll(() => scene?.close());

const hostSpace = (host: string): string => scene.lab.host(host).namespace;

interface Neighbour {
  readonly dst: string;
  readonly lladdr?: string;
}
/** What a guest's ARP cache says, by address. */
async function arpCache(namespace: string): Promise<Record<string, string | undefined>> {
  const rows = JSON.parse(await run(["ip", "-j", "-n", namespace, "neigh", "show", "dev", "eth0"])) as Neighbour[];
  return Object.fromEntries(rows.map((n) => [n.dst, n.lladdr]));
}

const peers = (): Guest[] => ["v-p1", "v-p2", "v-p3", "v-q1"].map((name) => scene.guest(name));

async function expectAllReach(): Promise<void> {
  for (const { namespace, addresses } of peers()) {
    expect(await ping({ namespace: mover, to: addresses[0]!, count: 3 })).toMatchObject({ received: 3 });
    expect(await ping({ namespace, to: MOVER.address, count: 3 })).toMatchObject({ received: 3 });
  }
  expect(await ping({ namespace: mover, to: "10.0.1.1", count: 3 })).toMatchObject({ received: 3, ttls: [64] });
}

describe("a port that moves by unbind and bind", () => {
  test("Q22: reaches and is reached as before, with the ARP caches as they were, at its new host alone", async () => {
    const { client } = scene.lab;
    const port = (await client.list("ports", { name: "mover" }))[0]!;
    const h3 = (await client.list("hosts", { name: "h3" }))[0]!;
    await expectAllReach();
    const caches = () => Promise.all([mover, ...peers().map((p) => p.namespace)].map(arpCache));
    const before = await caches();
    expect(before[0]).toMatchObject({ "10.0.1.1": GATEWAY_MAC, "10.0.1.11": scene.guest("v-p1").mac });

    await client.patch("ports", port.id, { host_id: null, device: null });
    await scene.lab.realised();
    const [p1] = peers() as [Guest];
    expect((await ping({ namespace: p1.namespace, to: MOVER.address, count: 2 })).received).toBe(0);
    expect(scene.kernel("h1").counts(p1.port_id).drops).toEqual({ unknown_mac: 2 });

    await ipBatch([`link set ${MOVER.device} netns ${hostSpace("h3")}`], hostSpace("h2"));
    await client.patch("ports", port.id, { host_id: h3.id, device: { kind: "adopt", name: MOVER.device } });
    await scene.lab.realised();
    const { encapsulated } = await listen(scene.lab, expectAllReach);
    expect(await caches()).toEqual(before);
    const tunnels = encapsulated
      .filter((e) => e.inner.some((l) => l.kind === "ipv4" && l.dst === MOVER.address))
      .map((e) => e.outer.dst);
    expect(new Set(tunnels)).toEqual(new Set([tunnelOf(scene.lab, "h3")]));
  });
});

/** What a host has beside map entries: links, routes and rules, packet filters, namespaces and processes. */
async function furnitureOf(host: string): Promise<Record<string, unknown>> {
  const space = hostSpace(host);
  const own = (await run(["ip", "netns", "list"])).split("\n").filter((n) => n.startsWith(scene.lab.namespaceOf("")));
  return {
    namespaces: own.map((line) => line.split(" ")[0]).sort(),
    filters: await run(inNamespace(space, ["nft", "list", "ruleset"])),
    links: JSON.parse(await run(["ip", "-j", "-d", "-n", space, "link", "show"])),
    routes: await run(["ip", "-n", space, "route", "show", "table", "all"]),
    rules: await run(["ip", "-n", space, "rule", "show"]),
    processes: (await run(["ip", "netns", "pids", space])).split("\n").sort(),
  };
}

const PATIENT = { timeout: 10_000 };
/** Routers of a VPC, and VPCs: the full counts take minutes. */
const [NETWORKS, VPCS] = process.env.ONEHOP_FULL ? [250, 1000] : [50, 50];

describe("tenants' routers", () => {
  test(`D7: ${NETWORKS} networks and routes more are map entries, and no namespace, filter, device or process`, async () => {
    const before = await furnitureOf("h1");
    const sizes = scene.kernel("h1").sizes();
    const each = Array.from({ length: NETWORKS }, (_, i) => i);
    await scene.apply({
      ...REGION,
      networks: Object.fromEntries(each.map((i) => [`v/net-${i}`, `10.9.${i}.0/24`])),
      routes: Object.fromEntries(each.map((i) => [`v/route-${i}`, [`172.16.${i}.0/24`, "10.0.1.12"] as const])),
    });
    await expect.poll(() => scene.kernel("h1").sizes().routes, PATIENT).toBe(sizes.routes! + NETWORKS);
    expect(scene.kernel("h1").sizes()).toEqual({
      ...sizes,
      vnis: sizes.vnis! + NETWORKS,
      destinations: sizes.destinations! + NETWORKS,
      routes: sizes.routes! + NETWORKS,
    });
    expect(await furnitureOf("h1")).toEqual(before);
    const { received } = await ping({ namespace: scene.guest("v-p1").namespace, to: "10.9.0.1", count: 2 });
    expect(received).toBe(2);
  }, 600_000);

  test(`D7: ${VPCS} VPCs with networks and no port on a host are nothing at all there`, async () => {
    const { client } = scene.lab;
    const [before, sizes] = [await furnitureOf("h1"), scene.kernel("h1").sizes()];
    const project = await client.create("projects", { name: "others", quotas: { vpcs: VPCS } });
    const create = async (i: number) => {
      const vpc = await client.create("vpcs", { name: `vpc-${i}`, project_id: project.id, cidrs: ["10.0.0.0/16"] });
      await client.create("networks", { name: "front", vpc_id: vpc.id });
    };
    for (let i = 0; i < VPCS; i++) await create(i);
    await scene.lab.realised(VPCS);
    expect(scene.kernel("h1").sizes()).toEqual(sizes);
    expect(await furnitureOf("h1")).toEqual(before);
  }, 600_000);
});
