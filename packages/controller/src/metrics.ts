import { Counter, Gauge, Histogram, type Registry } from "prom-client";
import { partsOf, type Work } from "./compile/index.ts";
import type { ControlPlane, Meters } from "./control_plane.ts";

const HOSTS = [0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048];
const SECONDS = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5];

/** What is measured as it happens: how many hosts a change concerns, and how long it waits. */
export function makeMeters(registry: Registry): Meters {
  const registers = [registry];
  const hosts = (name: string, help: string) => new Histogram({ name, help, buckets: HOSTS, registers });
  const told = hosts("onehop_controller_fan_out_hosts", "Hosts told of a slice that changed.");
  const interested = hosts("onehop_controller_interested_hosts", "Hosts interested in a slice that changed.");
  const waits = new Histogram({
    name: "onehop_controller_wait_seconds",
    help: "From a change being seen until its slice was compiled and handed over, by kind of slice.",
    labelNames: ["kind"],
    buckets: SECONDS,
    registers,
  });
  return {
    fanOut(toldHosts, interestedHosts) {
      told.observe(toldHosts);
      interested.observe(interestedHosts);
    },
    waited: (id, milliseconds) => waits.observe({ kind: partsOf(id)[0] }, milliseconds / 1000),
  };
}

/** What the control plane has done, and what it has to do. */
export function controlMetrics(registry: Registry, plane: ControlPlane): void {
  const registers = [registry];
  const byKind = (type: typeof Counter | typeof Gauge, name: string, [help, read]: [string, () => Work]) =>
    new type({
      name,
      help,
      labelNames: ["kind"],
      registers,
      collect() {
        this.reset();
        for (const [kind, count] of Object.entries(read())) this.inc({ kind }, count);
      },
    });
  const number = (type: typeof Counter | typeof Gauge, name: string, [help, read]: [string, () => number]) =>
    new type({
      name,
      help,
      registers,
      collect() {
        this.reset();
        this.inc(read());
      },
    });
  const prefix = "onehop_controller";
  byKind(Counter, `${prefix}_slices_compiled_total`, ["Slices compiled, by kind.", () => plane.plans.compiled]);
  byKind(Counter, `${prefix}_slices_sent_total`, ["Slices sent to hosts, by kind.", () => plane.traffic.slices]);
  byKind(Gauge, `${prefix}_shards`, ["Slices owned by this controller, by kind.", () => ownedByKind(plane)]);
  number(Counter, `${prefix}_frames_sent_total`, ["Frames about slices.", () => plane.traffic.frames]);
  number(Counter, `${prefix}_bytes_sent_total`, ["Bytes of frames about slices.", () => plane.traffic.bytes]);
  number(Gauge, `${prefix}_agents`, ["Agents connected to this controller.", () => plane.connected]);
  number(Gauge, `${prefix}_members`, ["Controllers that live.", () => plane.shards.members().members.length]);
  number(Gauge, `${prefix}_queue_length`, ["Slices that wait to be compiled and sent.", () => plane.rounds.length]);
  number(Gauge, `${prefix}_queues`, ["VPCs that have slices waiting.", () => plane.rounds.queues]);
  number(Gauge, `${prefix}_fenced_slices`, ["Slices that cannot be compiled.", () => plane.plans.problems]);
  number(Gauge, `${prefix}_store_epoch`, ["Epoch of the store.", () => plane.sentry.epoch]);
  number(Gauge, `${prefix}_store_frozen`, ["1 while the store is not trusted.", () => (plane.sentry.frozen ? 1 : 0)]);
  number(Gauge, `${prefix}_held_deletions`, ["Mass deletions that wait to be read again.", () => plane.brake.held]);
}

function ownedByKind({ shards }: ControlPlane): Work {
  const owned: Work = {};
  for (const id of shards.owned()) {
    const kind = partsOf(id)[0];
    owned[kind] = (owned[kind] ?? 0) + 1;
  }
  return owned;
}
