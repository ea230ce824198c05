import { GATEWAY_MAC, packet } from "@onehop/core";
import { Region } from "@onehop/testkit/differential/region";
import { IntentBuilder } from "@onehop/testkit/intent_builder";
import { queueLoads } from "@onehop/testkit/netns/toeplitz";
import { afterAll, beforeAll, expect, test } from "vitest";

const { frame, eth, ipv4, tcp, udp, decode } = packet;

const b = new IntentBuilder();
const h1 = b.host({ number: 1, tunnel_address: "192.0.2.1" });
const h2 = b.host({ number: 2, tunnel_address: "192.0.2.2" });
const vpc = b.vpc({ cidrs: ["10.0.0.0/16"], vni: 5000 });
const front = b.network(vpc, { cidr: "10.0.1.0/24", gateway: "10.0.1.1", vni: 5001 });
const back = b.network(vpc, { cidr: "10.0.2.0/24", gateway: "10.0.2.1", vni: 5002 });
const client = b.port(front, { addresses: ["10.0.1.5"], mac: "0a:00:00:00:00:01", host_id: h1.id });
const server = b.port(back, { addresses: ["10.0.2.5"], mac: "0a:00:00:00:00:02", host_id: h2.id });
let region: Region;
beforeAll(() => {
  region = new Region([h1, h2]);
  region.apply(b.build(), 1500);
});
afterAll(() => region.close());

/** Outer source port of a packet from client to server. */
function sourcePort(transport: packet.Spec, payload = 0): number {
  const ip = ipv4({ src: "10.0.1.5", dst: server.addresses[0] });
  const f = frame(eth({ src: client.mac, dst: GATEWAY_MAC }), ip, transport, payload);
  const sent = region.send(h1.id, client.id, f);
  expect(sent.action).toBe("host");
  return (decode(sent.frame)[2] as packet.Udp).sport;
}

test("Q12: 10,000 flows leave with over 5,000 source ports, and a NIC spreads them evenly over its queues", () => {
  const ports = Array.from({ length: 10_000 }, (_, i) => sourcePort(tcp({ sport: 1024 + i, dport: 443, flags: "A" })));
  expect(new Set(ports).size).toBeGreaterThanOrEqual(5_000);
  expect(Math.min(...ports)).toBeGreaterThanOrEqual(49152);
  const [src, dst] = [h1.tunnel_address, h2.tunnel_address];
  const loads = queueLoads(
    ports.map((sport) => ({ src, dst, sport, dport: 4789 })),
    8,
  );
  expect(Math.max(...loads) / (ports.length / loads.length)).toBeLessThan(1.5);
});

test("Q12: all packets of a flow leave with one source port, whatever they carry", () => {
  const flow = { sport: 5000, dport: 443 };
  const first = sourcePort(tcp({ ...flow, flags: "S", mss: 1460 }));
  expect(sourcePort(tcp({ ...flow, flags: "PA", seq: 99 }), 500)).toBe(first);
  expect(sourcePort(udp({ ...flow }))).not.toBe(first);
});
