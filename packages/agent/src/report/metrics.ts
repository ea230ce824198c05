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

/** `read` answers what there is to read, once programs are loaded. */
export function makeMetrics(
  read: () => { kernel: Kernel; mirror: Mirror } | undefined,
  connected: () => boolean,
): Metrics {
  const registry = new Registry();
  const registers = [registry];
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

function dataPathMetrics(registry: Registry, read: Parameters<typeof makeMetrics>[0]): void {
  new Counter({
    name: "onehop_datapath_routed_packets_total",
    help: "Routed packets of this host's guests to other hosts, of VPCs that learn: direct, or by a hub.",
    labelNames: ["vpc", "way"],
    registers: [registry],
    collect() {
      this.reset();
      const now = read();
      for (const { vpc, direct, by_hub } of now ? waysOf(now) : []) {
        this.inc({ vpc, way: "direct" }, direct);
        this.inc({ vpc, way: "hub" }, by_hub);
      }
    },
  });
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
