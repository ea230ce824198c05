import { afterAll, beforeAll, expect, it } from "vitest";
import { A, datagram, HUBS, LearningWorld, VPC } from "../../datapath/test/learning/world.ts";
import type { Kernel } from "../src/kernel/kernel.ts";
import { hubsOf } from "../src/look/hubs.ts";

let world: LearningWorld;
beforeAll(() => {
  world = new LearningWorld();
});
afterAll(() => world.close());

/** What the agent reads of a host's maps. */
const kernelOf = (host: number): Kernel => {
  const { maps } = world.at(host);
  const tables = maps as unknown as Record<string, { get(key: unknown): unknown }>;
  return { get: (name: string, key: unknown) => tables[name]?.get(key), now: process.hrtime.bigint } as Kernel;
};
const toHub = (address: string): number => world.at(1).send(A.slot, datagram(A, address)).host;
const addresses = Array.from({ length: 40 }, (_, i) => `10.0.2.${100 + i}`);

it("names the hub that the programs send an address's packets by", () => {
  const named = addresses.map((address) => hubsOf(kernelOf(1), VPC, address)[0]?.host);
  expect(named).toEqual(addresses.map(toHub));
  expect(new Set(named)).toEqual(new Set(HUBS));
});

it("names the other hub while one does not answer, and for how long it has not", () => {
  const { peers } = world.at(1).maps;
  const now = process.hrtime.bigint();
  peers.set(HUBS[0], { ...peers.get(HUBS[0])!, nonce: 0, silent: 1, silent_since: now - 2_000_000_000n });
  for (const address of addresses) {
    const [first, second] = hubsOf(kernelOf(1), VPC, address);
    expect([first?.host, first?.host]).toEqual([HUBS[1], toHub(address)]);
    expect(second).toMatchObject({ host: HUBS[0], silent: true });
    expect(second?.silent_ms).toBeGreaterThanOrEqual(2000);
  }
  peers.set(HUBS[0], { ...peers.get(HUBS[0])!, nonce: 0, silent: 0, held_until: now + 60_000_000_000n });
  expect(hubsOf(kernelOf(1), VPC, addresses[0]!).map(({ host, silent }) => [host, silent])).toEqual([
    [HUBS[1], false],
    [HUBS[0], false],
  ]);
});
