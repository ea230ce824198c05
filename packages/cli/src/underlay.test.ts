import type { NetworkInterfaceInfo } from "node:os";
import { expect, it } from "vitest";
import { underlayOf } from "./underlay.ts";

const ROUTES = [
  "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT",
  "eth1\t0000A8C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0",
  "eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0",
  "",
].join("\n");
const address = (text: string): NetworkInterfaceInfo[] => [
  { address: text, family: "IPv4", netmask: "255.255.255.0", mac: "", internal: false, cidr: null },
];
const machine = { routes: ROUTES, interfaces: { eth0: address("192.0.2.7"), eth1: address("192.168.0.7") } };

it("The underlay is the default route's device and its address.", () => {
  expect(underlayOf({}, machine)).toEqual({ uplinks: ["eth0"], tunnelAddress: "192.0.2.7" });
});

it("What is given wins.", () => {
  expect(underlayOf({ uplinks: ["eth1", "eth0"] }, machine).tunnelAddress).toBe("192.168.0.7");
  expect(underlayOf({ tunnelAddress: "192.0.2.9" }, machine).tunnelAddress).toBe("192.0.2.9");
});

it("Without a default route, or an address, the flag to give is named.", () => {
  expect(() => underlayOf({}, { ...machine, routes: "" })).toThrow("no default route");
  expect(() => underlayOf({ uplinks: ["eth9"] }, machine)).toThrow("eth9 has no IPv4 address");
});
