import { inNamespace, ipBatch, type Lab } from "@onehop/lab";
import { Child } from "@onehop/lab/system/child";
import { documents } from "@onehop/testkit/netns/documents";
import { saysReady, toolPath } from "../tools.ts";
import type { BenchPath } from "./path.ts";

const TAP = "tap-bench";
const TAP_MAC = "0a:00:00:00:00:99";
const TAP_ADDRESS = "10.0.2.99";
const GATEWAY = "10.0.2.1";

/** One sender on h1, and a receiver for each way that onehop's packets go. */
const REGION = documents({
  vpcs: { bench: ["10.0.0.0/16"] },
  networks: { "bench/front": "10.0.1.0/24", "bench/back": "10.0.2.0/24" },
  ports: {
    sender: { in: "bench/front", address: "10.0.1.10", host: "h1" },
    near: { in: "bench/front", address: "10.0.1.11", host: "h1" },
    same: { in: "bench/front", address: "10.0.1.12", host: "h2" },
    routed: { in: "bench/back", address: "10.0.2.10", host: "h2" },
    vm: { in: "bench/back", address: TAP_ADDRESS, host: "h2", mac: TAP_MAC, adopt: TAP },
  },
});

export async function buildOnehop(lab: Lab): Promise<BenchPath[]> {
  const machine = await startMachine(lab);
  await lab.apply(REGION);
  await lab.realised();
  const guests = await lab.guests();
  const named = (name: string) => guests.find((g) => g.port === name)!;
  const from = named("sender").namespace;
  const to = (name: string) => ({ to: named(name).namespace, address: named(name).addresses[0]! });
  return [
    { name: "onehop-same-net", from, ...to("same") },
    { name: "onehop-routed", from, ...to("routed") },
    { name: "onehop-same-host", from, ...to("near") },
    { name: "onehop-routed-tap", from, to: machine, address: TAP_ADDRESS },
  ];
}

/** A namespace behind a tap that a program reads and writes, as a hypervisor does; gives the namespace. */
async function startMachine(lab: Lab): Promise<string> {
  const namespace = lab.namespaceOf("bench-vm");
  await ipBatch([`netns add ${namespace}`]);
  const argv = [await toolPath("tap_relay"), TAP, `/run/netns/${namespace}`, TAP_MAC];
  await saysReady(await Child.start({ name: "tap_relay", argv: inNamespace(lab.host("h2").namespace, argv) }));
  const mtu = lab.fabric.mtu - 50;
  const inside = [
    "link set lo up",
    `link set eth0 addrgenmode none mtu ${mtu} up`,
    `address add ${TAP_ADDRESS}/24 dev eth0`,
    `route add default via ${GATEWAY}`,
  ];
  await ipBatch(inside, namespace);
  return namespace;
}
