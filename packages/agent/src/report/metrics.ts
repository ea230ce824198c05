import { Counter, Gauge, Histogram, Registry } from "prom-client";
import type { Kernel } from "../kernel/kernel.ts";
import { waysOf } from "../look/learned.ts";
import type { Mirror } from "../reconcile/mirror.ts";
import { byClass, totalDrops } from "./answers.ts";

export interface Metrics {
  readonly registry: Registry;
  readonly applies: Counter<"result">;
  readonly applySeconds: Histogram;
  readonly degraded: Gauge;
  readonly falseClaims: Counter;
}

export interface Readable {
  readonly kernel: Kernel;
  readonly mirror: Mirror;
  /** Ids of the VPCs that are served here, by VNI. */
  vpcIds(): ReadonlyMap<number, string>;
}

type Read = () => Readable | undefined;

/** `read` answers what there is to read, once programs are loaded. */
export function makeMetrics(read: Read, connected: () => boolean): Metrics {
  const registry = new Registry();
  const registers = [registry];
  wayMetrics(registry, read);
  learnedMetrics(registry, read);
  dataPathMetrics(registry, read);
  new Gauge({
    name: "onehop_agent_connected",
    help: "Whether a controller serves this host: 1 or 0.",
    registers,
    collect() {
      this.set(connected() ? 1 : 0);
    },
  });
  return {
    registry,
    applies: new Counter({
      name: "onehop_agent_applies_total",
      help: "Runs from plan to kernel, by result.",
      labelNames: ["result"],
      registers,
    }),
    applySeconds: new Histogram({
      name: "onehop_agent_apply_duration_seconds",
      help: "How long a run from plan to kernel takes.",
      buckets: [0.005, 0.02, 0.1, 0.5, 2, 10],
      registers,
    }),
    falseClaims: new Counter({
      name: "onehop_agent_false_claims_total",
      help: "Learned addresses that the controllers knew to be false.",
      registers,
    }),
    degraded: new Gauge({ name: "onehop_agent_degraded_ports", help: "Ports that are not as planned.", registers }),
  };
}

const VPC = ["vpc", "vpc_id"] as const;

/** Rows, each with the labels of its VPC: its VNI, and its id where it is served here still. */
function byVpc<R extends { readonly vpc: number }>(read: Read, rowsOf: (now: Readable) => readonly R[]) {
  const now = read();
  const ids = now?.vpcIds();
  const rows = now ? rowsOf(now) : [];
  return rows.map((row) => [{ vpc: row.vpc, vpc_id: ids?.get(row.vpc) ?? "" }, row] as const);
}

function wayMetrics(registry: Registry, read: Read): void {
  const registers = [registry];
  new Counter({
    name: "onehop_datapath_routed_packets_total",
    help: "Routed packets of this host's guests to other hosts, of VPCs that learn: direct, or by a hub.",
    labelNames: [...VPC, "way"],
    registers,
    collect() {
      this.reset();
      for (const [labels, { direct, by_hub }] of byVpc(read, waysOf)) {
        this.inc({ ...labels, way: "direct" }, direct);
        this.inc({ ...labels, way: "hub" }, by_hub);
      }
    },
  });
  new Gauge({
    name: "onehop_datapath_one_hop_ratio",
    help: "Of the routed packets of this host's guests in a VPC that learns, those that went straight: 0 to 1.",
    labelNames: VPC,
    registers,
    collect() {
      this.reset();
      for (const [labels, { direct, by_hub }] of byVpc(read, waysOf))
        if (direct + by_hub > 0) this.set(labels, direct / (direct + by_hub));
    },
  });
}

function learnedMetrics(registry: Registry, read: Read): void {
  const registers = [registry];
  const use = () => byVpc(read, ({ kernel }) => kernel.learnedUse());
  new Gauge({
    name: "onehop_datapath_learned_addresses",
    help: "Addresses of a VPC that this host learned and has.",
    labelNames: VPC,
    registers,
    collect() {
      this.reset();
      for (const [labels, { entries }] of use()) this.set(labels, entries);
    },
  });
  new Counter({
    name: "onehop_datapath_unlearned_addresses_total",
    help: "Addresses that aged, were evicted since their VPC's room was nearly full, or were refused since it was full.",
    labelNames: [...VPC, "why"],
    registers,
    collect() {
      this.reset();
      for (const [labels, { aged, evicted, refused }] of use())
        for (const [why, n] of Object.entries({ aged, evicted, refused })) this.inc({ ...labels, why }, n);
    },
  });
}

function dataPathMetrics(registry: Registry, read: Read): void {
  new Counter({
    name: "onehop_datapath_learning_messages_total",
    help: "Questions and answers about where addresses are, by what came of them.",
    labelNames: ["result"],
    registers: [registry],
    collect() {
      this.reset();
      for (const [result, n] of Object.entries(read()?.kernel.messages() ?? {})) this.inc({ result }, n);
    },
  });
  // Kept by the kernel: set, not counted, at each scrape.
  new Counter({
    name: "onehop_datapath_dropped_packets_total",
    help: "Packets dropped on this host, by reason.",
    labelNames: ["reason"],
    registers: [registry],
    collect() {
      this.reset();
      const now = read();
      if (now) for (const [reason, packets] of Object.entries(totalDrops(now.kernel))) this.inc({ reason }, packets);
    },
  });
  new Counter({
    name: "onehop_datapath_packets_total",
    help: "Packets of this host's guests, accepted or not, by class.",
    labelNames: ["class"],
    registers: [registry],
    collect() {
      this.reset();
      const now = read();
      for (const slot of now?.mirror.slots().values() ?? [])
        for (const [name, packets] of Object.entries(byClass(now?.kernel.counters(slot)?.class_packets ?? [])))
          this.inc({ class: name }, packets);
    },
  });
}
