import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { packet } from "@onehop/core";
import { inNamespace, Lab, run } from "@onehop/lab";
import { proveIsolation } from "@onehop/lab/demo/isolation";
import { Child } from "@onehop/lab/system/child";
import { afterAll, beforeAll, expect, test } from "vitest";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
/** Sends the same datagram again and again from a tunnel address to another. */
const FORGER = `
const [from, to, hex] = process.argv.slice(1);
const socket = require("node:dgram").createSocket("udp4");
socket.bind(50000, from, () => {
  setInterval(() => socket.send(Buffer.from(hex, "hex"), 4789, to), 2);
  console.log("ready");
});`;

let lab: Lab;
beforeAll(async () => {
  await run([`${ROOT}/tools/setup.sh`]);
  lab = await Lab.up();
  await lab.apply(readFileSync(`${ROOT}/examples/two-tenants.yaml`, "utf8"));
  await lab.realised();
});
afterAll(() => lab.close());

test("Q2: the judge of isolation sees a packet of one VPC that a host sends under another's VNI", async () => {
  const guests = await lab.guests();
  const green = guests.find((g) => g.name === "green-web-1")!;
  const { eth, frame, icmp, ipv4, payload, vxlan } = packet;
  const stray = frame(
    vxlan({ vni: green.network_vni }),
    eth({ src: "0a:00:00:00:01:0c", dst: green.mac }),
    ipv4({ src: "10.0.1.12", dst: green.addresses[0]! }),
    icmp({ type: 0, code: 0 }),
    payload("vpc 0000.".repeat(4)), // as blue, the first by name, marks its packets
  );
  const h2 = lab.host("h2");
  const argv = ["-e", FORGER, h2.tunnelAddress, lab.host("h1").tunnelAddress, packet.hex(stray)];
  const forger = await Child.start({ name: "forger", argv: inNamespace(h2.namespace, [process.execPath, ...argv]) });
  try {
    await new Promise((ready) => forger.process.stdout!.once("data", ready));
    const { crossed } = await proveIsolation(guests, lab.fabric);
    expect(crossed).toBeGreaterThan(0);
  } finally {
    await forger.kill();
  }
  expect(await proveIsolation(guests, lab.fabric)).toMatchObject({ crossed: 0, lost: 0 });
});
