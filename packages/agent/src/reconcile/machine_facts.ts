import type { Device, Kernel } from "../kernel/kernel.ts";
import type { GuestLink, NextHop } from "../lower/index.ts";

/** What of the kernel costs a process to ask or to change. */
type Asked = Pick<Kernel, "devices" | "nextHops" | "makeGuestLink" | "removeGuestLink" | "setUp" | "setDown">;

/**
 * The host's devices and next hops, asked for once and remembered until they may have changed. Changes of ports' devices go
 * through here too, so that none is missed; they change no next hop.
 */
export class MachineFacts implements Asked {
  readonly #kernel: Asked;
  /** Grow with every change: what was asked under a lower one, also if it was answered since, is asked for again. */
  #devicesVersion = 0;
  #routesVersion = 0;
  #devices = { version: -1, found: NO_DEVICES };
  #hops: Hops = { version: -1, asked: new Set(), found: new Map(), uplinks: undefined };

  constructor(kernel: Asked) {
    this.#kernel = kernel;
  }

  /** Devices or routes may be others than before. `ifindex`: it is only this device that changed. */
  changed(ifindex?: number): void {
    this.#devicesVersion++;
    if (ifindex === undefined || this.#matters(ifindex)) this.#routesVersion++;
  }

  /** A device that no next hop leaves by changes none, where every address has one. */
  #matters(ifindex: number): boolean {
    const { asked, found, uplinks } = this.#hops;
    return uplinks === undefined || uplinks.has(ifindex) || found.size < asked.size;
  }

  /** Whether the next answer about devices is one that was given before. */
  get remembered(): boolean {
    return this.#devices.version === this.#devicesVersion;
  }

  async devices(): Promise<ReadonlyMap<string, Device>> {
    if (!this.remembered) {
      const version = this.#devicesVersion;
      this.#devices = { version, found: await this.#kernel.devices() };
    }
    return this.#devices.found;
  }

  /** At least those of these tunnel addresses; the same map as long as nothing is new in it. */
  async nextHops(tunnels: readonly string[]): Promise<ReadonlyMap<string, NextHop>> {
    const version = this.#routesVersion;
    if (this.#hops.version !== version)
      this.#hops = { version, asked: new Set(), found: new Map(), uplinks: undefined };
    const { asked, found } = this.#hops;
    const unknown = tunnels.filter((address) => !asked.has(address));
    if (unknown.length > 0) {
      // While they are asked for, any device may be theirs.
      this.#hops = { ...this.#hops, uplinks: undefined };
      const all = new Map([...found, ...(await this.#kernel.nextHops(unknown))]);
      const uplinks = new Set([...all.values()].map(({ uplink }) => uplink));
      this.#hops = { version, asked: new Set([...asked, ...unknown]), found: all, uplinks };
    }
    return this.#hops.found;
  }

  makeGuestLink(link: GuestLink): Promise<void> {
    this.#devicesVersion++;
    return this.#kernel.makeGuestLink(link);
  }

  removeGuestLink(device: Device): Promise<void> {
    this.#devicesVersion++;
    return this.#kernel.removeGuestLink(device);
  }

  async setUp(names: readonly string[]): Promise<void> {
    if (names.length === 0) return;
    this.#devicesVersion++;
    await this.#kernel.setUp(names);
  }

  async setDown(names: readonly string[]): Promise<void> {
    if (names.length === 0) return;
    this.#devicesVersion++;
    await this.#kernel.setDown(names);
  }
}

interface Hops {
  readonly version: number;
  readonly asked: ReadonlySet<string>;
  readonly found: ReadonlyMap<string, NextHop>;
  /** Interface indexes that they leave by; undefined: they are not all known yet. */
  readonly uplinks: ReadonlySet<number> | undefined;
}

const NO_DEVICES: ReadonlyMap<string, Device> = new Map();
