import type { IntentView } from "@onehop/store";
import { Counter, Gauge, Histogram, Registry } from "prom-client";

/** What the API counts of itself. Labels are bounded: routes, methods and status codes, nothing that users name. */
export interface Metrics {
  readonly registry: Registry;
  readonly requests: Counter<"method" | "route" | "code">;
  readonly seconds: Histogram<"method" | "route">;
  readonly storeErrors: Counter<"code">;
}

export type Counted = Pick<IntentView, "projects" | "hosts" | "vpcs" | "networks" | "ports" | "routes" | "broken">;

export function makeMetrics(view: Counted, version: string, registry: Registry = new Registry()): Metrics {
  const registers = [registry];
  new Gauge({
    name: "onehop_controller_build_info",
    help: "Always 1; the label tells the version.",
    labelNames: ["version"],
    registers,
  }).set({ version }, 1);
  new Gauge({
    name: "onehop_controller_objects",
    help: "Objects of intent in this controller's view of the store.",
    labelNames: ["noun"],
    registers,
    collect() {
      for (const noun of ["projects", "hosts", "vpcs", "networks", "ports", "routes"] as const)
        this.set({ noun }, view[noun].size);
    },
  });
  new Gauge({
    name: "onehop_controller_broken_objects",
    help: "Stored objects that do not fit their description and are left out.",
    registers,
    collect() {
      this.set(view.broken.size);
    },
  });
  return {
    registry,
    requests: new Counter({
      name: "onehop_controller_http_requests_total",
      help: "Requests answered by the API.",
      labelNames: ["method", "route", "code"],
      registers,
    }),
    seconds: new Histogram({
      name: "onehop_controller_http_request_duration_seconds",
      help: "Time from a request's arrival to the end of its answer; waits for a state included.",
      labelNames: ["method", "route"],
      buckets: [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30],
      registers,
    }),
    storeErrors: new Counter({
      name: "onehop_controller_store_errors_total",
      help: "Requests refused because the store failed.",
      labelNames: ["code"],
      registers,
    }),
  };
}
