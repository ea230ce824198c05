import { GATEWAY_MAC, type HostPlan, type NetworkSlice, type PortPlan, type Slice, type SliceId } from "@onehop/core";
import { FakeKernel } from "../src/kernel/fake.ts";
import { Reconciler } from "../src/reconcile/reconciler.ts";

/** A port of the test's one VPC: `a1` and such name it, its network and its host. */
export interface PortSpec {
  readonly name: string;
  readonly host: number;
  readonly network?: 1 | 2;
  readonly device?: PortPlan["device"];
  readonly generation?: number;
}

export const portId = (name: string): string =>
  `00000000-0000-4000-8000-${Buffer.from(name).toString("hex").padStart(12, "0")}`;
/** Last byte of a port's address and MAC, from its name's digits. */
const number = (name: string): number => Number(name.replace(/\D/g, "")) % 250;
export const addressOf = ({ name, network = 1 }: PortSpec): string => `10.0.${network}.${number(name) + 1}`;

const portPlan = (spec: PortSpec): PortPlan => ({
  id: portId(spec.name),
  generation: spec.generation ?? 1,
  mac: `0a:00:00:00:0${spec.network ?? 1}:${number(spec.name).toString(16).padStart(2, "0")}`,
  addresses: [addressOf(spec)],
  allowed_addresses: [],
  host: spec.host,
  device: spec.device ?? { kind: "veth", namespace: `ns-${spec.name}` },
});

const network = (n: 1 | 2, ports: readonly PortSpec[]): NetworkSlice => ({
  type: "network",
  network_id: `n${n}`,
  vpc_id: "v",
  vpc_vni: 5000,
  vni: 5000 + n,
  cidr: `10.0.${n}.0/24`,
  gateway: `10.0.${n}.1`,
  gateway_mac: GATEWAY_MAC,
  ports: ports.filter((p) => (p.network ?? 1) === n).map(portPlan),
});

/** The plan of one of two hosts: all of the VPC where the host has a port in it, else nothing of it. */
export function planOf(host: number, ports: readonly PortSpec[]): HostPlan {
  const serves = ports.some((p) => p.host === host);
  const slices = new Map<SliceId, Slice>([["hosts", { type: "hosts", hosts: [1, 2].map(knownHost) }]]);
  if (serves) {
    slices.set("vpc/v", { type: "vpc", vpc_id: "v", vni: 5000, cidrs: ["10.0.0.0/16"], routes: [] });
    for (const n of [1, 2] as const) slices.set(`network/n${n}`, network(n, ports));
  }
  const own: SliceId = `host/h${host}`;
  slices.set(own, { type: "host", host_id: `h${host}`, number: host, slices: [own, ...slices.keys()] });
  return slices;
}

export const knownHost = (n: number) => ({
  id: `h${n}`,
  name: `h${n}`,
  number: n,
  tunnel_address: `192.0.2.${n}`,
  kind: "onehop" as const,
});

/** A host's kernel, and an agent's way from plan to kernel over it. */
export class FakeHost {
  readonly kernel = new FakeKernel();
  readonly warnings: string[] = [];
  now = 0;
  /** Changes of tables that the kernel takes before it refuses one, and goes on as before. */
  writesLeft = Number.POSITIVE_INFINITY;
  reconciler: Reconciler;

  constructor() {
    this.kernel.addDevice("up0");
    this.reconciler = this.restart();
    const write = this.kernel.write.bind(this.kernel);
    this.kernel.write = (table, rows) => {
      if (this.writesLeft-- === 0) throw new Error("E2BIG");
      write(table, rows);
    };
    this.kernel.watch((ifindex) => this.reconciler.machineChanged(ifindex), new AbortController().signal);
  }

  /** A new agent over the same kernel. */
  restart(): Reconciler {
    this.reconciler = new Reconciler({
      kernel: this.kernel,
      clock: { now: () => this.now, after: () => () => undefined },
      uplinks: ["up0"],
      limits: { arp: { rate: 200, burst: 400 } },
      warn: (message) => this.warnings.push(message),
    });
    return this.reconciler;
  }

  /** What was done since the last call. */
  takeLog(): string[] {
    return this.kernel.log.splice(0);
  }
}
