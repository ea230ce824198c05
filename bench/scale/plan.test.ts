import { expect, it } from "vitest";
import { HOSTS_A_NETWORK, planRegion, REAL_PORTS, TALKERS } from "./plan.ts";

const FULL = { ports: 64_009, hosts: 2000, placement: "packed", others: 24 } as const;

it("At full size there are 253 networks of 253 ports, no address is given twice, and every port has a host.", () => {
  const { networks, ports } = planRegion(FULL);
  expect(networks).toBe(253);
  expect(ports.length).toBe(64_009);
  const sizes = new Array<number>(networks).fill(0);
  for (const { network } of ports) sizes[network]!++;
  expect(sizes.every((size) => size === 253)).toBe(true);
  const addresses = ports.flatMap((p) => p.addresses);
  expect(new Set(addresses).size).toBe(addresses.length);
  expect(ports.every((p) => p.host >= 0 && p.host < 2000)).toBe(true);
});

it("A packed network lives on at most 16 hosts, and the two real hosts share none.", () => {
  const { networks, real, ports } = planRegion(FULL);
  const hosts = Array.from({ length: networks }, () => new Set<number>());
  for (const { network, host } of ports) hosts[network]!.add(host);
  expect(Math.max(...hosts.map((set) => set.size))).toBeLessThanOrEqual(HOSTS_A_NETWORK);
  expect(hosts.some((set) => set.has(real[0]) && set.has(real[1]))).toBe(false);
});

it("A real host has as many ports as it can make namespaces for, of either placement.", () => {
  for (const shape of [FULL, { ...FULL, ports: 2000, hosts: 20 }, { ...FULL, placement: "random" as const }]) {
    const { real, ports, talking } = planRegion(shape);
    for (const [i, host] of real.entries()) {
      const own = ports.filter((p) => p.host === host);
      for (const network of new Set(own.map((p) => p.network)))
        expect(own.filter((p) => p.network === network).length).toBeLessThanOrEqual(REAL_PORTS);
      expect(own.filter((p) => p.network === talking[i]).length).toBeGreaterThanOrEqual(TALKERS);
    }
  }
});
