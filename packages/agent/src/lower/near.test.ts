import type { NetworkSlice } from "@onehop/core";
import { expect, it } from "vitest";
import { nearOf } from "./near.ts";
import type { Opened } from "./plan.ts";

const near = (networks: Readonly<Record<string, readonly string[]>>) => {
  const slices = Object.entries(networks).flatMap(([vpc_id, cidrs]) =>
    cidrs.map((cidr) => ({ vpc_id, cidr }) as unknown as NetworkSlice),
  );
  return Object.fromEntries(nearOf({ networks: slices } as unknown as Opened));
};

it.each([
  ["one network", ["10.0.1.0/24"], 24],
  ["one of a single address", ["10.0.1.7/32"], 32],
  ["neighbours", ["10.0.2.0/24", "10.0.3.0/24"], 23],
  ["two that are far from each other", ["10.64.0.0/18", "10.0.1.0/24"], 9],
  ["two that have nothing in common: all is near", ["10.0.1.0/24", "192.168.0.0/24"], 0],
  ["one within the other's range", ["10.8.0.0/13", "10.9.1.0/24"], 13],
  ["many", Array.from({ length: 200 }, (_, n) => `10.0.${n}.0/24`), 16],
])("what is near has as many bits in common as all networks that the host was told of: %s", (_, cidrs, bits) => {
  expect(near({ v: cidrs })).toEqual({ v: bits });
});

it("each VPC has its own", () => {
  expect(near({ v: ["10.0.1.0/24"], w: ["192.168.0.0/16"] })).toEqual({ v: 24, w: 16 });
});
