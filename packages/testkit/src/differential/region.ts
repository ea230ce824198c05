import { assignSlots, type Entries, type Facts, lower, TABLE_NAMES, type TableName } from "@onehop/agent/lower/index";
import { compileAll, type LearningFacts } from "@onehop/controller/compile/index";
import type { Host, HostPlan, Intent } from "@onehop/core";
import { HostRig, type Verdict } from "@onehop/datapath/harness";
import type { PortCounters } from "@onehop/datapath/maps.gen";

/** What a typed map of the data plane can do, as far as filling one needs it. */
interface Fillable {
  setMany(entries: Iterable<readonly [unknown, unknown]>): void;
  delete(key: unknown): boolean;
}
/** Arrays: their entries cannot be removed, only set to nothing. */
const ARRAYS: readonly TableName[] = ["class_limits", "hosts", "endpoints"];

/** One host: the real programs over maps that are filled as its agent would. */
class Station {
  readonly rig: HostRig;
  readonly portBySlot = new Map<number, string>();
  slots: ReadonlyMap<string, number> = new Map();
  #entries: Entries | undefined;

  constructor(host: Host) {
    this.rig = new HostRig({ config: { tunnel_address: host.tunnel_address, host: host.number } });
  }

  apply(plan: HostPlan, intent: Intent, facts: Omit<Facts, "slots" | "links">): void {
    const own = [...plan.values()].find((s) => s.type === "host");
    const local = [...intent.ports.values()].filter((p) => p.host_id === own?.host_id);
    this.slots = assignSlots(
      new Map(),
      local.map((p) => p.id),
    );
    this.portBySlot.clear();
    const links = new Map<string, ReturnType<typeof linkOf>>();
    for (const port of local) {
      const slot = this.slots.get(port.id)!;
      this.portBySlot.set(slot, port.id);
      if (port.device?.kind === "adopt") links.set(port.device.name, linkOf(port.device.name, slot));
    }
    const lowered = lower(plan, { ...facts, slots: this.slots, links });
    if (!lowered) throw new Error("the plan is not whole");
    this.#fill(lowered.entries);
  }

  #fill(entries: Entries): void {
    for (const name of TABLE_NAMES) {
      const map = this.rig.maps[name] as unknown as Fillable;
      const rows = entries[name].rows;
      for (const [text, [key]] of this.#entries?.[name].rows ?? [])
        if (!rows.has(text) && !ARRAYS.includes(name)) map.delete(key);
      map.setMany(rows.values());
    }
    this.#entries = entries;
  }
}

/** Loopback stands for the port that sends, so real devices begin higher. Every other port is a tap. */
const linkOf = (name: string, slot: number) => ({
  ifindex: 100 + slot,
  name,
  kind: slot % 2 === 0 ? ("veth" as const) : ("tap" as const),
  mtu: 1500,
  up: true,
});

/** What controllers and hosts know of learning besides Intent. */
export interface Learning {
  readonly facts: LearningFacts;
  /** Whether the host's tables are whole, if it is a hub. */
  readonly isWhole: (hostId: string) => boolean;
}
export const ALWAYS = 2n ** 62n;

/** Some hosts with the real programs, compiled and lowered for by the real controller's and agent's functions. */
export class Region {
  readonly #stations = new Map<string, Station>();
  /** `hosts`: those that run programs. They stay the same; what `apply` gives changes. */
  constructor(hosts: Iterable<Host>) {
    for (const host of hosts) this.#stations.set(host.id, new Station(host));
  }

  /** Fills every host's maps. `underlayMtu`: in bytes. `limits`: by class; none by default. */
  apply(intent: Intent, underlayMtu: number, limits: Facts["limits"] = {}, learning?: Learning): void {
    const nextHops = new Map(
      [...intent.hosts.values()].map((h) => [h.tunnel_address, { uplink: 2, next_hop: "192.0.2.254" }]),
    );
    for (const [hostId, plan] of compileAll(intent, learning?.facts)) {
      const station = this.#station(hostId);
      station.apply(plan, intent, { uplinks: ["up0"], underlayMtu, nextHops, limits });
      station.rig.maps.hub_sync.set(0, { until: learning?.isWhole(hostId) ? ALWAYS : 0n });
    }
  }

  #station(hostId: string): Station {
    const station = this.#stations.get(hostId);
    if (!station) throw new RangeError(`no programs for host ${hostId}`);
    return station;
  }

  /** A frame of the guest of a port; a port that is not bound there is a device without a port. */
  send(hostId: string, portId: string, frame: Uint8Array): Verdict {
    const station = this.#station(hostId);
    return station.rig.send(station.slots.get(portId), frame);
  }
  receive(hostId: string, frame: Uint8Array): Verdict {
    return this.#station(hostId).rig.receive(frame);
  }
  /** The tables of a host, for what is written in no plan. */
  maps(hostId: string): HostRig["maps"] {
    return this.#station(hostId).rig.maps;
  }
  /** Counters of a port since the start. */
  counters(hostId: string, portId: string): PortCounters {
    const station = this.#station(hostId);
    const counters = station.rig.maps.port_counters.get(station.slots.get(portId) ?? -1);
    if (!counters) throw new RangeError(`no counters of port ${portId}`);
    return counters;
  }
  portAt(hostId: string, slot: number): string | undefined {
    return this.#station(hostId).portBySlot.get(slot);
  }

  close(): void {
    for (const station of this.#stations.values()) station.rig.close();
  }
}
