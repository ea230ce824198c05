/** Hosts and guests in network namespaces, with the programs attached by their pins: one process holds all the maps. */
import { execFile, execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { GATEWAY_MAC } from "@onehop/core";
import {
  type Datapath,
  Device,
  HostKind,
  Learn,
  Learns,
  lpmPrefix,
  OBJECT_DIR,
  openDatapath,
  Place,
  RouteKind,
  VniKind,
} from "../../src/index.ts";
import { check, objectPin } from "../../src/sys.ts";
import { EPOCH, type Guest, HUBS, KEY, NETWORK, portId, VPC } from "./world.ts";

export const run = promisify(execFile);
const ip = (...args: string[]): void => void execFileSync("ip", args, { stdio: ["ignore", "ignore", "inherit"] });
const NOW_ON = 2n ** 62n;
const GUEST_MTU = 1500;
const UNDERLAY_MTU = 1600;

interface NetDevice {
  readonly ifname: string;
  readonly ifindex: number;
}

export interface WireOptions {
  /** Part of every name. */
  readonly name: string;
  readonly hosts: readonly number[];
  readonly learned_age?: number;
}

export class Wire {
  readonly hosts = new Map<number, Datapath>();
  private readonly name: string;
  private readonly folder: string;
  /** Devices of each host, and the program on each. */
  private readonly attached = new Map<number, Map<string, "from_endpoint" | "from_uplink">>();

  constructor({ name, hosts, learned_age = 0 }: WireOptions) {
    this.name = name;
    this.folder = `/run/${name}`;
    this.clean();
    try {
      mkdirSync(join(this.folder, "bpf"), { recursive: true });
      execFileSync("mount", ["-t", "bpf", "bpf", join(this.folder, "bpf")]);
      this.space("lan");
      this.on("lan", "link", "add", "lan", "type", "bridge", "mcast_snooping", "0");
      this.on("lan", "link", "set", "lan", "up");
      for (const host of hosts) this.addHost(host, learned_age);
      for (const host of hosts) this.introduce(host, hosts);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** What a run that was killed left behind. */
  private clean(): void {
    for (const space of existsSync("/run/netns") ? readdirSync("/run/netns") : [])
      if (space.startsWith(`${this.name}-`)) ip("netns", "delete", space);
    if (!existsSync(this.folder)) return;
    spawnSync("umount", [join(this.folder, "bpf")]);
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Of a host `h1`, of a guest `g1`. */
  ns(of: string): string {
    return `${this.name}-${of}`;
  }

  private on(space: string, ...args: string[]): void {
    ip("-n", this.ns(space), ...args);
  }

  private space(of: string): void {
    ip("netns", "add", this.ns(of));
    this.on(of, "link", "set", "lo", "up");
  }

  private device(space: string, ifname: string): NetDevice {
    const out = execFileSync("ip", ["-n", this.ns(space), "-j", "link", "show", "dev", ifname], { encoding: "utf8" });
    return (JSON.parse(out) as NetDevice[])[0]!;
  }

  private attach(host: number, ifname: string, program: "from_endpoint" | "from_uplink"): void {
    this.attached.set(host, (this.attached.get(host) ?? new Map()).set(ifname, program));
    const pin = join(this.folder, "bpf", `${program}_h${host}`);
    const tc = (...args: string[]) => execFileSync("ip", ["netns", "exec", this.ns(`h${host}`), "tc", ...args]);
    if (!existsSync(pin)) check(pin, objectPin(this.hosts.get(host)!.programs[program], pin));
    tc("qdisc", "replace", "dev", ifname, "clsact");
    tc("filter", "replace", "dev", ifname, "ingress", "bpf", "direct-action", "object-pinned", pin);
  }

  private addHost(host: number, learned_age: number): void {
    const space = `h${host}`;
    this.space(space);
    this.on(
      "lan",
      "link",
      "add",
      space,
      "mtu",
      `${UNDERLAY_MTU}`,
      "type",
      "veth",
      "peer",
      "name",
      "up0",
      "netns",
      this.ns(space),
    );
    this.on("lan", "link", "set", space, "master", "lan", "up");
    this.on(space, "link", "set", "up0", "mtu", `${UNDERLAY_MTU}`, "up");
    this.on(space, "address", "add", `192.0.2.${host}/24`, "dev", "up0");
    this.open(host, learned_age);
    this.attach(host, "up0", "from_uplink");
  }

  private open(host: number, learned_age: number): void {
    const config = { tunnel_address: `192.0.2.${host}`, host, learned_age };
    const maxEntries = { destinations: 4096, macs: 64, buckets: 4096 * 8 };
    const pins = join(this.folder, "bpf", `h${host}`);
    this.hosts.set(host, openDatapath({ objectDir: OBJECT_DIR, pins, config, maxEntries }));
  }

  /** As an agent does that was started anew: programs with another age, over the maps that are pinned. */
  restart(host: number, learned_age: number): void {
    const before = this.hosts.get(host)!;
    this.open(host, learned_age);
    for (const program of ["from_endpoint", "from_uplink"]) rmSync(join(this.folder, "bpf", `${program}_h${host}`));
    for (const [ifname, program] of this.attached.get(host)!) this.attach(host, ifname, program);
    before.close();
  }

  private introduce(host: number, hosts: readonly number[]): void {
    const { maps } = this.hosts.get(host)!;
    const uplink = this.device(`h${host}`, "up0").ifindex;
    const none = { gateway: "0.0.0.0", gateway_mac: "00:00:00:00:00:00" };
    for (const other of hosts) {
      if (other === host) continue;
      const address = `192.0.2.${other}`;
      maps.tunnels.set({ address }, { host: other, kind: HostKind.ONEHOP });
      maps.hosts.set(other, { tunnel_address: address, uplink, next_hop: address, kind: HostKind.ONEHOP });
    }
    maps.vnis.set({ vni: VPC }, { vpc: VPC, kind: VniKind.VPC, ...none });
    maps.routes.set({ prefix: lpmPrefix(8), vpc: VPC, address: "10.0.0.0" }, { kind: RouteKind.RANGE, next_hop: "::" });
    maps.vpc_keys.set({ vpc: VPC }, { version: 1, former_version: 0, current: KEY, former: "0".repeat(32) });
    const isHub = HUBS.some((hub) => hub === host);
    maps.vpc_rules.set(
      { vpc: VPC },
      {
        ...{ hubs: [...HUBS, 0, 0], epoch: EPOCH, max_learned: 4096, ask_rate: 0, ask_burst: 0, port_ask_rate: 0 },
        ...{ port_ask_burst: 0, is_hub: isHub ? 1 : 0, fits: isHub ? 1 : 0 },
      },
    );
    maps.hub_sync.set(0, { until: isHub ? NOW_ON : 0n });
  }

  /** A guest in a namespace `g<slot>`, bound to the host; the hubs know it. */
  addGuest(host: number, g: Guest, gateway: string): void {
    const [space, ifname] = [`g${g.slot}`, `g${g.slot}`];
    this.space(space);
    this.on(
      `h${host}`,
      "link",
      "add",
      ifname,
      "mtu",
      `${GUEST_MTU}`,
      "type",
      "veth",
      "peer",
      "name",
      "eth0",
      "netns",
      this.ns(space),
    );
    this.on(`h${host}`, "link", "set", ifname, "up");
    this.on(space, "link", "set", "eth0", "address", g.mac, "mtu", `${GUEST_MTU}`, "up");
    this.on(space, "address", "add", `${g.address}/24`, "dev", "eth0");
    this.on(space, "route", "add", "default", "via", gateway);
    const { ifindex } = this.device(`h${host}`, ifname);
    const { maps } = this.hosts.get(host)!;
    const network = NETWORK[g.net];
    maps.endpoints.set(g.slot, {
      ...{
        port: portId(g),
        generation: g.slot,
        vpc: VPC,
        network,
        ifindex,
        mtu: UNDERLAY_MTU - 50,
        address: g.address,
      },
      ...{
        gateway,
        mac: g.mac,
        gateway_mac: GATEWAY_MAC,
        device: Device.VETH,
        has_allowed: 0,
        learns: Learns.YES,
        near: 0,
      },
    });
    maps.links.set({ ifindex }, { slot: g.slot });
    maps.destinations.set(
      { vpc: VPC, address: gateway },
      { network, where: 0, mac: GATEWAY_MAC, place: Place.GATEWAY },
    );
    this.place(host, g);
    this.attach(host, ifname, "from_endpoint");
  }

  /** The guest's address is at the host, and the hubs know it. */
  place(host: number, g: Guest): void {
    const [network, key] = [NETWORK[g.net], { vpc: VPC, address: g.address }];
    this.hosts.get(host)!.maps.destinations.set(key, { network, where: g.slot, mac: g.mac, place: Place.LOCAL });
    for (const hub of HUBS)
      this.hosts.get(hub)!.maps.destinations.set(key, { network, where: host, mac: g.mac, place: Place.REMOTE });
  }

  /** Takes the host off the wire, or puts it back. */
  cable(host: number, state: "up" | "down"): void {
    this.on("lan", "link", "set", `h${host}`, state);
  }

  /** Cuts the way between two hosts, and only it; or mends it. */
  between(one: number, other: number, state: "cut" | "whole"): void {
    const isolated = state === "cut" ? "on" : "off";
    for (const host of [one, other])
      execFileSync("bridge", ["-n", this.ns("lan"), "link", "set", "dev", `h${host}`, "isolated", isolated]);
  }

  count(host: number, what: keyof typeof Learn): number {
    return this.hosts.get(host)!.maps.learning.get(Learn[what])!.packets;
  }

  exec(of: string, command: string, ...args: string[]) {
    return run("ip", ["netns", "exec", this.ns(of), command, ...args]);
  }

  close(): void {
    for (const datapath of this.hosts.values()) datapath.close();
    this.clean();
  }
}
