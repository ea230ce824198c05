import { spawn } from "node:child_process";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { Wire } from "./wire.ts";
import { A, B, VPC } from "./world.ts";

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

test("a bulk TCP stream that loses its entry is straight again each time", async () => {
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
    const end = JSON.parse((await stream).stdout) as { end: { sum_received: { bits_per_second: number } } };
    console.log(end.end.sum_received, wire.hosts.get(1)!.maps.ways.get(1), deleted, wire.count(1, "NOT_CUT"));
    expect(deleted).toBe(50);
    expect(wire.count(1, "NOT_CUT")).toBe(0);
  } finally {
    server.kill();
  }
});
