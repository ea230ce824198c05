/** Learning when hosts die, lie and are cut off, at small counts; `npm run learn` measures the same. */
import { fileURLToPath } from "node:url";
import { Drop } from "@onehop/datapath";
import { ipBatch, run, until } from "@onehop/lab";
import { signal } from "@onehop/lab/system/identity";
import { readState } from "@onehop/lab/system/state";
import { ping } from "@onehop/lab/traffic/ping";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Flow } from "../../bench/learn/hard/flow.ts";
import { byTakenOver, lie } from "../../bench/learn/hard/forge.ts";
import { countersOf, forge, prepare, setTheScene } from "../../bench/learn/hard/forged.ts";
import { killHubs } from "../../bench/learn/hard/hub_kill.ts";
import { addressOf, HardLab, HUBS, OTHERS } from "../../bench/learn/hard/lab.ts";
import { cutPaths } from "../../bench/learn/hard/path_cut.ts";
import { sendRaw } from "../../bench/learn/hard/raw.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const HOUR_MS = 3_600_000;
let hard: HardLab;
beforeAll(async () => {
  await run([`${ROOT}/tools/setup.sh`]);
  hard = await HardLab.up();
});
afterAll(() => hard?.close());

const quiet = { progress: () => undefined, signal: new AbortController().signal };
const vpcOf = (name: string): number => hard.guest(name).vpc_vni;
const entry = (host: string, n: number) => hard.maps(host).learned.get({ vpc: vpcOf("g1"), address: addressOf(n) });
const talk = (from: string, to: string, count = 3) =>
  ping({ namespace: hard.guest(from).namespace, to, count, intervalMs: 5 });
const counted = (host: string, what: string): number => countersOf(hard, host).get(what)!;

/** What was learned of VPC v is forgotten. */
function forgetAll(): void {
  for (const host of ["h1", "h2", "h3"]) {
    const { learned } = hard.maps(host);
    for (const key of [...learned.keys()]) if (key.vpc === vpcOf("g1")) learned.delete(key);
  }
}

async function restart(host: string): Promise<void> {
  await hard.lab.agents.get(host)?.kill();
  await hard.lab.startAgent(host);
}

const announced = (hub: string): Promise<unknown> =>
  until(`${hub} to be announced`, () => hard.hubsKnown("h1", vpcOf("g1")).includes(hard.numberOf(hub)) || undefined);

test("Q34: forged, replayed and unsolicited messages are rejected, each under its reason, and what guests say to their port arrives", async () => {
  const { tried, accepted, wrong } = await forge(hard, 10);
  expect({ accepted, wrong }).toEqual({ accepted: 0, wrong: [] });
  expect(tried).toBeGreaterThan(300);
});

test("a host with the VPC's key that claims another's port is believed until the controllers are asked, and then barred", async () => {
  const scene = await setTheScene(hard);
  const { barred, floors } = hard.maps("h1");
  const teacher = { vpc: scene.vpc, host: hard.numberOf("h3") };
  const tell = async (): Promise<void> => {
    prepare(hard, scene, "asked");
    await sendRaw(hard.lab.host("h3").namespace, [byTakenOver(scene, lie(scene))]);
  };
  const before = [counted("h1", "MOVED"), counted("h1", "BARRED")] as const;
  floors.set({ vpc: scene.vpc, address: scene.entry.address }, { epoch: 1, revision: 1, sequence: 0 });
  await tell();
  await until("the lie to be taken", () => counted("h1", "MOVED") > before[0] || undefined);
  await until("the liar to be barred", () => barred.get(teacher));
  await until("its entry to be gone", () => entry("h1", 2)?.host !== teacher.host || undefined);
  expect(floors.get({ vpc: scene.vpc, address: scene.entry.address })).toBeUndefined();
  await tell();
  await until("it to be ignored", () => counted("h1", "BARRED") > before[1] || undefined);
  expect(await talk("g1", addressOf(2), 10)).toMatchObject({ received: 10 });
  expect(entry("h1", 2)).toMatchObject({ host: hard.numberOf("h2") });
  barred.delete(teacher);
});

test("D10: a hub that is killed costs direct flows nothing, and the other hub carries on", async () => {
  const { silences, lost } = await killHubs(hard, 1, quiet);
  expect({ rounds: silences.length, lost }).toEqual({ rounds: 1, lost: 0 });
});

test("a flow whose path is cut goes on by a hub, and straight again when the path is whole, and others lose nothing", async () => {
  const { back_ms, lost } = await cutPaths(hard, 1, quiet);
  expect({ back: back_ms.length, lost }).toEqual({ back: 1, lost: 0 });
});

test("clocks of hosts that are an hour apart change nothing", async () => {
  const usual = process.env.NODE_OPTIONS;
  const skewed = (ms: number): string =>
    `--import=data:text/javascript,const%20n=Date.now;Date.now=()=>n()+${ms}`.replaceAll("+", "%2B");
  try {
    for (const [host, ms] of [
      ["h1", HOUR_MS],
      ["h3", -HOUR_MS],
      ["h4", HOUR_MS],
    ] as const) {
      process.env.NODE_OPTIONS = skewed(ms);
      await restart(host);
    }
  } finally {
    if (usual === undefined) delete process.env.NODE_OPTIONS;
    else process.env.NODE_OPTIONS = usual;
  }
  await announced("h4");
  forgetAll();
  expect(await talk("g1", addressOf(3))).toMatchObject({ received: 3 });
  expect(await talk("g2", addressOf(1))).toMatchObject({ received: 3 });
  for (const [host, n] of [
    ["h1", 3],
    ["h3", 1],
    ["h2", 1],
  ] as const) {
    const key = { vpc: vpcOf("g1"), address: addressOf(n) };
    await until("what was learned to be confirmed", () => hard.maps(host).confirmed.get(key));
    expect([...hard.maps(host).barred]).toEqual([]);
  }
});

test("a hub whose table is half loaded says unknown to nobody and passes questions on", async () => {
  const [o1, o2] = [hard.guest("o1"), hard.guest("o2")];
  await ipBatch(
    OTHERS.slice(1).map((a) => `address add ${a}/32 dev eth0`),
    o2.namespace,
  );
  await hard.lab.controller!.kill();
  await hard.lab.agents.get("h4")!.kill();
  const { destinations, hub_sync } = hard.maps("h4");
  hub_sync.set(0, { until: 0n });
  for (const key of [...destinations.keys()])
    if (key.vpc === o1.vpc_vni && OTHERS.includes(key.address)) destinations.delete(key);
  const before = [counted("h4", "TOLD_UNKNOWN"), counted("h4", "PASSED_ON"), counted("h4", "NOT_KNOWN")] as const;
  await Promise.all(OTHERS.map((to) => talk("o1", to, 2)));
  const { learned } = hard.maps("h1");
  expect(OTHERS.filter((address) => !learned.get({ vpc: o1.vpc_vni, address }))).toEqual([]);
  expect(counted("h4", "PASSED_ON")).toBeGreaterThan(before[1]);
  await talk("o1", "10.0.2.200", 20);
  expect(counted("h4", "TOLD_UNKNOWN")).toBe(before[0]);

  await hard.lab.startController();
  await hard.lab.startAgent("h4");
  const loaded = () => [...destinations.keys()].filter((key) => OTHERS.includes(key.address)).length;
  await until("its table to be whole", () => loaded() === OTHERS.length || undefined);
  await announced("h4");
});

test("an address whose port is deleted is unlearned in band, and rests before another port gets it", async () => {
  const { client } = hard.lab;
  const g3 = hard.guest("g3");
  expect(await talk("g1", addressOf(3))).toMatchObject({ received: 3 });
  expect(entry("h1", 3)).toBeDefined();
  await client.delete("ports", g3.port_id);
  await until("the entry to be gone", async () => {
    await talk("g1", addressOf(3), 1);
    return entry("h1", 3) === undefined || undefined;
  });
  const again = { name: "g3-again", network_id: g3.network_id, addresses: [addressOf(3)] };
  await expect(client.create("ports", again)).rejects.toThrow(/rest|free|use/i);
});

test("a VPC with no hub left is degraded and told of none: direct flows go on, and what is not known is dropped for that reason", async () => {
  const [g1, g2] = [hard.guest("g1"), hard.guest("g2")];
  const flow = await Flow.start({ from: g1, to: g2 });
  const lost = (): number =>
    [...hard.maps("h1").drops].reduce((sum, [key, n]) => sum + (key.reason === Drop.NO_HUB ? n.packets : 0), 0);
  const before = lost();
  for (const hub of HUBS) await Promise.all([hard.uplinks(hub, "down"), hard.lab.agents.get(hub)!.kill()]);
  await until("hosts to know of no hub", () => hard.hubsKnown("h1", g1.vpc_vni).length === 0 || undefined);
  expect(await talk("g1", "10.0.2.78", 3)).toMatchObject({ received: 0 });
  expect(lost() - before).toBe(3);
  expect((await hard.lab.client.get("vpcs", g1.vpc_id)).status.state).toBe("degraded");
  const { sent, received } = await flow.stop();
  expect(sent - received).toBe(0);
  await Promise.all(HUBS.map((hub) => hard.uplinks(hub, "up")));
  await Promise.all(HUBS.map((hub) => hard.lab.startAgent(hub)));
  await Promise.all(HUBS.map(announced));
});

test("D11: with controller and store dead and all agents started anew, new pairs still learn, and nobody is told unknown", async () => {
  const { lab } = hard;
  // The test before took all hubs away: hosts must know of them again, since nobody will tell them.
  for (const host of ["h1", "h2"])
    await until(`${host} to know the hubs`, () => {
      const known = hard.hubsKnown(host, vpcOf("g1"));
      return HUBS.every((hub) => known.includes(hard.numberOf(hub))) || undefined;
    });
  await lab.controller!.kill();
  signal(readState(lab.id)!.children.find((c) => c.name === "etcd")!, "SIGKILL");
  await Promise.all(lab.hosts.map(({ name }) => restart(name)));
  forgetAll();
  expect(await talk("g1", addressOf(2), 5)).toMatchObject({ sent: 5, received: 5 });
  expect(entry("h1", 2)).toMatchObject({ host: hard.numberOf("h2") });
  expect(entry("h2", 1)).toMatchObject({ host: hard.numberOf("h1") });
  const told = HUBS.map((hub) => counted(hub, "TOLD_UNKNOWN"));
  await until(
    "the hubs' word to run out",
    () => HUBS.every((hub) => hard.maps(hub).hub_sync.get(0)!.until < process.hrtime.bigint()) || undefined,
  );
  await talk("g1", "10.0.2.77", 2);
  expect(HUBS.map((hub) => counted(hub, "TOLD_UNKNOWN"))).toEqual(told);
});
