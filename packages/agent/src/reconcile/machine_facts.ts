import type { Device, Kernel } from "../kernel/kernel.ts";
import type { GuestLink, NextHop } from "../lower/index.ts";

/** What of the kernel costs a process to ask or to change. */
type Asked = Pick<Kernel, "devices" | "nextHops" | "makeGuestLink" | "removeGuestLink" | "setUp" | "setDown">;

/**
 * The host's devices and next hops, asked for once and remembered until they may have changed. Changes of devices go
 * through here too, so that none is missed.
 */
export class MachineFacts implements Asked {
  readonly #kernel: Asked;
  /** Grows with every change: what was asked under a lower one, also if it was answered since, is asked for again. */
  #version = 0;
  #devices = { version: -1, found: NO_DEVICES };
  #hops = { version: -1, asked: new Set<string>(), found: new Map<string, NextHop>() };

  constructor(kernel: Asked) {
    this.#kernel = kernel;
  }

  /** Devices or routes may be others than before. */
  changed(): void {
    this.#version++;
  }

  /** Whether the next answer about devices is one that was given before. */
  get remembered(): boolean {
    return this.#devices.version === this.#version;
  }

  async devices(): Promise<ReadonlyMap<string, Device>> {
    if (!this.remembered) {
      const version = this.#version;
      this.#devices = { version, found: await this.#kernel.devices() };
    }
    return this.#devices.found;
  }

  /** At least those of these tunnel addresses; the same map as long as nothing is new in it. */
  async nextHops(tunnels: readonly string[]): Promise<ReadonlyMap<string, NextHop>> {
    const version = this.#version;
    if (this.#hops.version !== version) this.#hops = { version, asked: new Set(), found: new Map() };
    const { asked, found } = this.#hops;
    const unknown = tunnels.filter((address) => !asked.has(address));
    if (unknown.length > 0) {
      const more = await this.#kernel.nextHops(unknown);
      this.#hops = { version, asked: new Set([...asked, ...unknown]), found: new Map([...found, ...more]) };
    }
    return this.#hops.found;
  }

  makeGuestLink(link: GuestLink): Promise<void> {
    this.changed();
    return this.#kernel.makeGuestLink(link);
  }

  removeGuestLink(device: Device): Promise<void> {
    this.changed();
    return this.#kernel.removeGuestLink(device);
  }

  async setUp(names: readonly string[]): Promise<void> {
    if (names.length === 0) return;
    this.changed();
    await this.#kernel.setUp(names);
  }

  async setDown(names: readonly string[]): Promise<void> {
    if (names.length === 0) return;
    this.changed();
    await this.#kernel.setDown(names);
  }
}

const NO_DEVICES: ReadonlyMap<string, Device> = new Map();
