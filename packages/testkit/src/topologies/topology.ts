import type { At, Host, Intent, Network, Port, Vpc } from "@onehop/core";
import { IntentBuilder } from "../intent_builder.ts";
import type { Random } from "./random.ts";

/** Hosts are the same in every topology, so that programs are loaded once; which of them have ports differs. */
export const HOSTS = [
  { number: 1, name: "h1", tunnel_address: "192.0.2.1", kind: "onehop" },
  { number: 2, name: "h2", tunnel_address: "198.51.100.2", kind: "onehop" },
  { number: 300, name: "h300", tunnel_address: "203.0.113.77", kind: "onehop" },
  { number: 4, name: "plain", tunnel_address: "192.0.2.4", kind: "vxlan-peer" },
] as const;

/** In regions where VPCs learn. The second has guests now and then. */
const HUBS = [
  { number: 50, name: "hub50", tunnel_address: "192.0.2.50", kind: "onehop", roles: ["hub"] },
  { number: 61, name: "hub61", tunnel_address: "198.51.100.61", kind: "onehop", roles: ["hub"] },
] as const;

/** An address of the underlay that is no host's. */
export const NO_HOST = "192.0.2.99";

export interface Topology {
  readonly intent: Intent;
  /** Ids of the VPCs that learn. */
  readonly learning: ReadonlySet<string>;
  /** For a person who looks at a difference. */
  readonly text: string;
}

interface Draft {
  readonly random: Random;
  readonly builder: IntentBuilder;
  readonly hosts: readonly At<Host>[];
  /** A host that was not told of a port takes a route to it, so where ports are learned no route leads to a port. */
  readonly isLearning?: true;
}

/** Two or three VPCs of the same ranges, MACs and addresses, spread differently over two or three hosts and a plain peer. */
export function randomTopology(random: Random): Topology {
  const builder = new IntentBuilder();
  const hosts = HOSTS.map((h) => builder.host({ ...h }));
  const used = random.chance(70) ? hosts : hosts.filter((h) => h.number !== 300);
  return withVpcs({ random, builder, hosts: used });
}

/** The same with two hubs. The first VPC learns, and most others. */
export function learningTopology(random: Random): Topology {
  const builder = new IntentBuilder();
  const hosts = HOSTS.map((h) => builder.host({ ...h }));
  const [, second] = HUBS.map((h) => builder.host({ ...h, roles: [...h.roles] }));
  const topology = withVpcs({
    random,
    builder,
    hosts: random.chance(30) ? [...hosts, second!] : hosts,
    isLearning: true,
  });
  const learning = [...topology.intent.vpcs.keys()].filter((_, i) => i === 0 || random.chance(70));
  return { ...topology, learning: new Set(learning), text: `${topology.text}\nlearning: ${learning.length} VPCs` };
}

function withVpcs(draft: Draft): Topology {
  const { random, builder } = draft;
  const cidrs = random.pick([
    ["10.0.0.0/16"],
    ["10.0.0.0/16", "192.0.2.0/24"],
    ["10.0.0.0/14"],
    ["10.0.0.0/16", "100.64.0.0/10", "8.8.8.0/24"],
  ]);
  const shapes = shapesOf(random);
  for (let i = 0; i < random.int(2, 3); i++) addVpc(draft, { cidrs, shapes, vni: 5000 + i * 1000 });
  const intent = builder.build();
  return { intent, learning: new Set(), text: textOf(intent) };
}

/** A network's ports as every VPC has them; each VPC leaves some out and binds the others where it likes. */
interface Shape {
  readonly cidr: string;
  readonly gateway: string;
  readonly ports: readonly Pick<Port, "mac" | "addresses">[];
}

function shapesOf(random: Random): Shape[] {
  return Array.from({ length: random.int(2, 4) }, (_, n) => {
    const third = n + 1;
    const ports = Array.from({ length: random.int(5, 8) }, (_, k) => ({
      // MACs are unique in a network only: every other one is used again in the next network.
      mac: `0a:00:00:00:0${k % 2 ? third : 0}:${(16 + k).toString(16)}`,
      addresses: Array.from({ length: random.pick([1, 1, 2, 3]) }, (_, a) => `10.0.${third}.${10 + k * 4 + a}`),
    }));
    const gateway = random.chance(80) ? `10.0.${third}.1` : `10.0.${third}.254`;
    return { cidr: `10.0.${third}.0/24`, gateway, ports };
  });
}

function addVpc(d: Draft, { cidrs, shapes, vni }: { cidrs: string[]; shapes: readonly Shape[]; vni: number }): void {
  const vpc = d.builder.vpc({ cidrs, vni });
  const networks = shapes.map(({ cidr, gateway }, n) => d.builder.network(vpc, { cidr, gateway, vni: vni + n + 1 }));
  const bound: At<Port>[] = [];
  for (const [n, shape] of shapes.entries())
    for (const port of shape.ports) {
      const made = addPort(d, networks[n]!, port);
      if (made?.host_id !== undefined) bound.push(made);
    }
  addRoutes(d, vpc, bound);
}

function addPort(
  { random, builder, hosts }: Draft,
  network: Network,
  port: Shape["ports"][number],
): At<Port> | undefined {
  if (random.chance(10)) return undefined;
  const host = random.chance(10) ? {} : { host_id: random.pick(hosts).id };
  const ranges = ["172.16.0.0/12", "203.0.113.0/28", "10.0.250.0/23", "0.0.0.0/0", "192.168.7.7/32"];
  const allowed = random.chance(30) ? [random.pick(ranges), ...(random.chance(50) ? ["192.168.8.0/24"] : [])] : [];
  return builder.port(network, { ...port, ...host, allowed_addresses: allowed });
}

/** Some of: outside the ranges, inside them, equal to one, nested, the default; to ports here, there, nowhere. */
function addRoutes({ random, builder, isLearning }: Draft, vpc: Vpc, bound: readonly Port[]): void {
  const nowhere = ["10.0.1.250", "10.0.1.1", "10.0.77.7"];
  const hop = () => (random.chance(75) ? random.pick(bound).addresses[0]! : random.pick(nowhere));
  const destinations = [
    "172.16.0.0/12",
    "172.16.5.0/24",
    "10.0.128.0/17",
    "10.0.200.0/30",
    ...(isLearning ? [] : [vpc.cidrs[0]!]),
    "10.0.0.0/8",
    "10.0.1.64/26",
    "198.18.0.0/15",
  ];
  for (const destination of destinations) if (random.chance(45)) builder.route(vpc, { destination, next_hop: hop() });
  builder.route(vpc, { destination: "172.31.0.0/16", next_hop: random.pick(bound).addresses[0]! });
  builder.route(vpc, { destination: "172.30.0.0/16", next_hop: random.pick(nowhere) });
  if (random.chance(15)) builder.route(vpc, { destination: "0.0.0.0/0", next_hop: hop() });
}

function textOf(intent: Intent): string {
  const hostName = (id: string | undefined) => (id === undefined ? "unbound" : (intent.hosts.get(id)?.name ?? id));
  const lines = [...intent.hosts.values()].map(
    (h) => `host ${h.name} ${h.kind} number ${h.number} at ${h.tunnel_address}`,
  );
  for (const vpc of intent.vpcs.values()) {
    lines.push(`vpc ${vpc.name} vni ${vpc.vni} ${vpc.cidrs.join(" ")}`);
    for (const r of intent.routes.values())
      if (r.vpc_id === vpc.id) lines.push(`  route ${r.destination} via ${r.next_hop}`);
    for (const n of intent.networks.values()) {
      if (n.vpc_id !== vpc.id) continue;
      lines.push(`  network ${n.name} vni ${n.vni} ${n.cidr} gateway ${n.gateway}`);
      for (const p of intent.ports.values())
        if (p.network_id === n.id)
          lines.push(
            `    ${p.name} on ${hostName(p.host_id)} ${p.mac} ${p.addresses.join(" ")} allowed [${p.allowed_addresses.join(" ")}]`,
          );
    }
  }
  return lines.join("\n");
}
