import { spawn } from "node:child_process";
import { GATEWAY_MAC } from "@onehop/core";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { Place, VniKind } from "../../src/index.ts";
import { hubSourcePrefix, lpmPrefix } from "../../src/layout.ts";
import { Wire } from "./wire.ts";
import { A, B, type Guest, HUBS, NETWORK, VPC } from "./world.ts";

let wire: Wire;
beforeAll(() => {
  wire = new Wire({ name: "onehop-learn", hosts: [1, 2, 3, 4], learned_age: 2 });
  wire.addGuest(1, A, "10.0.1.1");
  wire.addGuest(2, B, "10.0.2.1");
});
afterAll(() => wire?.close());

const learned = (host: number, address: string) => wire.hosts.get(host)!.maps.learned.get({ vpc: VPC, address });
const forget = (host: number, address: string) => wire.hosts.get(host)!.maps.learned.delete({ vpc: VPC, address });

async function ping(count: number, interval: string): Promise<{ received: number }> {
  const { stdout } = await wire.exec("g1", "ping", "-q", "-c", `${count}`, "-i", interval, "-W", "1", B.address);
  return { received: Number(/(\d+) received/.exec(stdout)?.[1]) };
}

test("Q29: of a new pair no packet is lost, and all but the first go straight, in both directions", async () => {
  expect(await ping(10, "0.002")).toEqual({ received: 10 });
  expect(learned(1, B.address)).toMatchObject({ host: 2 });
  expect(learned(2, A.address)).toMatchObject({ host: 1 });
  const ways = [1, 2].map((host) => wire.hosts.get(host)!.maps.ways.get(host)!);
  expect(ways).toEqual([
    { direct: 9, by_hub: 1 },
    { direct: 9, by_hub: 1 },
  ]);
});

test("Q26: a bulk TCP stream that loses its entry is straight again each time", async () => {
  const server = spawn("ip", ["netns", "exec", wire.ns("g2"), "iperf3", "-s", "-1", "-p", "5300"], { stdio: "ignore" });
  try {
    await vi.waitFor(() => wire.exec("g2", "sh", "-c", "ss -ltn | grep -q 5300"), { timeout: 5000 });
    const stream = wire.exec("g1", "iperf3", "-c", B.address, "-p", "5300", "-t", "3", "-J");
    let deleted = 0;
    await vi.waitFor(() => expect(learned(1, B.address)).toBeDefined(), { timeout: 3000 });
    const done = stream.then(() => true);
    while (deleted < 50) {
      if (!forget(1, B.address)) break;
      deleted++;
      await vi.waitFor(() => expect(learned(1, B.address)).toBeDefined(), { timeout: 1000, interval: 1 });
    }
    expect(await done).toBe(true);
    expect(deleted).toBe(50);
    expect(wire.count(1, "NOT_CUT")).toBe(0);
    // One packet for each time, or as many as left before the lesson came; none was too large to ask.
    const { direct, by_hub } = wire.hosts.get(1)!.maps.ways.get(A.slot)!;
    expect(by_hub).toBeGreaterThanOrEqual(50);
    expect(by_hub).toBeLessThan(direct / 10);
  } finally {
    server.kill();
  }
});

/** Another address of B's guest: a new pair. */
async function second(address: string): Promise<void> {
  await wire.exec("g2", "ip", "address", "add", `${address}/24`, "dev", "eth0");
  wire.place(2, { ...B, address });
}

test("TCP whose packets carry IPv4 options, checksums left to the device, asks as any", async () => {
  const address = "10.0.2.23";
  await second(address);
  const server = spawn("ip", ["netns", "exec", wire.ns("g2"), "socat", "TCP-LISTEN:5400,reuseaddr", "PIPE"]);
  try {
    await vi.waitFor(() => wire.exec("g2", "sh", "-c", "ss -ltn | grep -q 5400"), { timeout: 5000 });
    const client = `echo with options | socat -t 2 STDIO TCP:${address}:5400,ip-options=x01010100`;
    expect((await wire.exec("g1", "sh", "-c", client)).stdout).toBe("with options\n");
    expect(learned(1, address)).toMatchObject({ host: 2 });
    expect(wire.count(1, "NOT_CUT")).toBe(0);
  } finally {
    server.kill();
  }
});

/** A guest of host 2 that forwards, in A's network; and whom A's packets are for, beside A. */
const ROUTER: Guest = { slot: 5, net: "front", address: "10.0.1.50", mac: "0a:00:00:00:00:05" };
const BEHIND: Guest = { slot: 6, net: "back", address: "10.0.2.60", mac: "0a:00:00:00:00:06" };

test("what a guest forwards that came to it by a tunnel asks too, though the kernel cuts nothing off it", async () => {
  wire.addGuest(2, ROUTER, "10.0.1.1");
  wire.addGuest(1, BEHIND, "10.0.2.1");
  const [one, two] = [wire.hosts.get(1)!.maps, wire.hosts.get(2)!.maps];
  const front = { vpc: VPC, kind: VniKind.NETWORK, gateway: "10.0.1.1", gateway_mac: GATEWAY_MAC };
  for (const maps of [one, two]) maps.vnis.set({ vni: NETWORK.front }, front);
  const mac = { network: NETWORK.front, mac: ROUTER.mac };
  one.macs.set(mac, { where: 2, place: Place.REMOTE });
  two.macs.set(mac, { where: ROUTER.slot, place: Place.LOCAL });
  const key = { vpc: VPC, address: ROUTER.address };
  one.destinations.set(key, { network: NETWORK.front, mac: ROUTER.mac, place: Place.REMOTE, where: 2 });
  two.endpoints.set(ROUTER.slot, { ...two.endpoints.get(ROUTER.slot)!, has_allowed: 1 });
  two.allowed.set({ prefix: lpmPrefix(32), slot: ROUTER.slot, address: A.address }, { yes: 1 });
  for (const hub of HUBS)
    wire.hosts
      .get(hub)!
      .maps.hub_sources.set({ prefix: hubSourcePrefix(32), vpc: VPC, host: 2, address: A.address }, { yes: 1 });
  await wire.exec("g5", "sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv4.conf.all.rp_filter=0");
  await wire.exec("g5", "sysctl", "-qw", "net.ipv4.conf.eth0.rp_filter=0", "net.ipv4.conf.all.send_redirects=0");
  await wire.exec("g1", "ip", "route", "add", BEHIND.address, "via", ROUTER.address);
  const pinged = await wire.exec("g1", "ping", "-q", "-c", "5", "-i", "0.02", "-W", "1", BEHIND.address);
  expect(pinged.stdout).toContain("5 received");
  expect(learned(2, BEHIND.address)).toMatchObject({ host: 1 });
  expect(wire.count(2, "NOT_CUT")).toBe(0);
});

test("what a guest sends to the port of messages is plain data, and arrives", async () => {
  const server = spawn("ip", ["netns", "exec", wire.ns("g2"), "socat", "-u", "UDP-RECV:4797", "STDOUT"]);
  try {
    const heard = new Promise<string>((resolve) => server.stdout.once("data", (d: Buffer) => resolve(d.toString())));
    await vi.waitFor(() => wire.exec("g2", "sh", "-c", "ss -lun | grep -q 4797"), { timeout: 5000 });
    await wire.exec("g1", "sh", "-c", `echo tenant data | socat -u STDIN UDP-SENDTO:${B.address}:4797,sourceport=4797`);
    expect(await heard).toBe("tenant data\n");
  } finally {
    server.kill();
  }
});

test("an address that nobody has is unreachable at once", async () => {
  const failed = await wire.exec("g1", "ping", "-c", "1", "-W", "5", "10.0.2.99").catch((e: { stdout: string }) => e);
  expect(failed.stdout).toContain("Destination Host Unreachable");
});

test("D10: with the hub of a pair gone its packets go by the other; pairs that were talking lose nothing", async () => {
  await ping(3, "0.01");
  const before = wire.hosts.get(1)!.maps.ways.get(A.slot)!.by_hub;
  for (const hub of [3, 4]) wire.cable(hub, "down");
  expect(await ping(100, "0.005")).toEqual({ received: 100 });
  wire.cable(3, "up");
  forget(1, B.address);
  await vi.waitFor(async () => expect((await ping(3, "0.02")).received).toBe(3), { timeout: 5000 });
  expect(wire.hosts.get(1)!.maps.ways.get(A.slot)!.by_hub).toBeGreaterThan(before);
  wire.cable(4, "up");
});

test("with the way to a host cut its packets go by a hub, and straight again some time after it is whole", async () => {
  const ways = () => wire.hosts.get(1)!.maps.ways.get(A.slot)!;
  const silent = () => wire.hosts.get(1)!.maps.peers.get(2)!.silent;
  await ping(3, "0.01");
  wire.between(1, 2, "cut");
  const cut = await ping(200, "0.005");
  expect(silent()).toBe(1);
  // 100 ms until it is probed, 100 ms of probes, and the way back the same: never all of a second.
  expect(cut.received).toBeGreaterThan(100);
  expect(await ping(20, "0.01")).toEqual({ received: 20 });
  wire.between(1, 2, "whole");
  await vi.waitFor(
    async () => {
      const before = ways();
      expect(await ping(10, "0.01")).toEqual({ received: 10 });
      expect(ways()).toEqual({ direct: before.direct + 10, by_hub: before.by_hub });
    },
    { timeout: 10_000 },
  );
});

test("Q33: an entry that nobody uses is removed by the kernel's own timer", async () => {
  expect(learned(1, B.address)).toBeDefined();
  await vi.waitFor(() => expect(learned(1, B.address)).toBeUndefined(), { timeout: 25_000, interval: 200 });
  await vi.waitFor(() => expect([...wire.hosts.get(1)!.maps.learned_use][0]![1].entries).toBe(0), { timeout: 12_000 });
}, 40_000);

describe("what lies unused", () => {
  const more = [31, 32, 33, 34, 35, 36].map((n) => `10.0.2.${n}`);
  let crowd: Wire;
  beforeAll(async () => {
    crowd = new Wire({ name: "onehop-crowd", hosts: [1, 2, ...HUBS], learned_age: 300 });
    crowd.addGuest(1, A, "10.0.1.1");
    crowd.addGuest(2, B, "10.0.2.1");
    for (const address of more) {
      await crowd.exec("g2", "ip", "address", "add", `${address}/24`, "dev", "eth0");
      crowd.place(2, { ...B, address });
    }
  });
  afterAll(() => crowd?.close());
  const talk = (to: string) => crowd.exec("g1", "ping", "-q", "-c", "1", "-W", "1", to);
  const use = () => crowd.hosts.get(1)!.maps.learned_use.get({ vpc: VPC });

  test("Q5: for 10 s goes from a VPC that has used seven eighths of its room, and nothing else", async () => {
    const { maps } = crowd.hosts.get(1)!;
    maps.vpc_rules.set({ vpc: VPC }, { ...maps.vpc_rules.get({ vpc: VPC })!, max_learned: 8 });
    for (const to of [B.address, ...more]) await talk(to);
    const began = process.hrtime.bigint();
    expect(use()).toMatchObject({ entries: 7, evicted: 0 });
    await vi.waitFor(
      async () => {
        await talk(B.address);
        expect(use()).toMatchObject({ entries: 1, evicted: 6, aged: 0, refused: 0 });
      },
      { timeout: 35_000, interval: 500 },
    );
    expect(process.hrtime.bigint() - began).toBeGreaterThan(9_000_000_000n);
    expect([...maps.learned.keys()].map(({ address }) => address)).toEqual([B.address]);
  }, 60_000);

  test("for as long as the agent's flag says goes, once programs with another age learned something", async () => {
    crowd.restart(1, 1);
    await talk(more[0]!);
    expect(use()).toMatchObject({ entries: 2 });
    await vi.waitFor(() => expect(use()).toMatchObject({ entries: 0, aged: 2 }), { timeout: 25_000, interval: 200 });
  }, 40_000);
});
