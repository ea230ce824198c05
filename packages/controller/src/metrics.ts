import { Counter, Gauge, type Registry } from "prom-client";
import type { Work } from "./compile/index.ts";
import type { ControlPlane } from "./control_plane.ts";

/** What the control plane does for each change: fan-out is slices sent over slices compiled. */
export function controlMetrics(registry: Registry, plane: ControlPlane): void {
  const registers = [registry];
  const work = (name: string, help: string, read: () => Work) =>
    new Counter({
      name,
      help,
      labelNames: ["kind"],
      registers,
      collect() {
        this.reset();
        for (const [kind, count] of Object.entries(read())) this.inc({ kind }, count);
      },
    });
  work("onehop_controller_slices_compiled_total", "Slices compiled, by kind.", () => plane.plans.compiled);
  work("onehop_controller_slices_sent_total", "Slices sent to hosts, by kind.", () => plane.sent);
  new Gauge({
    name: "onehop_controller_agents",
    help: "Agents connected to this controller.",
    registers,
    collect() {
      this.set(plane.connected());
    },
  });
  new Gauge({
    name: "onehop_controller_owner",
    help: "Whether this controller serves the agents: 1 or 0.",
    registers,
    collect() {
      this.set(plane.epoch() === undefined ? 0 : 1);
    },
  });
}
