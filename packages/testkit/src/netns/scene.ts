import { type Guest, Lab, type LabOptions } from "@onehop/lab";
import { documents, type RegionSpec } from "./documents.ts";
import { HostKernel } from "./kernel.ts";
import { Nic } from "./nic.ts";

/** A lab with a region in it, and what tests have open there. */
export class Scene {
  readonly lab: Lab;
  readonly #guests = new Map<string, Guest>();
  readonly #kernels = new Map<string, HostKernel>();
  readonly #closing: (() => Promise<unknown> | undefined)[] = [];

  private constructor(lab: Lab) {
    this.lab = lab;
  }

  /** A lab with hosts and nothing else. */
  static async up(options: LabOptions): Promise<Scene> {
    return new Scene(await Lab.up(options));
  }

  static async of(options: LabOptions, region: RegionSpec): Promise<Scene> {
    const scene = await Scene.up(options);
    try {
      await scene.apply(region);
    } catch (error) {
      await scene.close();
      throw error;
    }
    return scene;
  }

  /** Applies it and waits until all of it is realised. */
  async apply(region: RegionSpec): Promise<void> {
    await this.lab.apply(documents(region));
    await this.lab.realised();
    for (const guest of await this.lab.guests()) this.#guests.set(guest.name, guest);
  }

  /** `<vpc>-<port>`, of a port whose device the agent made. */
  guest(name: string): Guest {
    const guest = this.#guests.get(name);
    if (!guest) throw new Error(`There is no guest ${name}, only ${[...this.#guests.keys()].join(", ")}.`);
    return guest;
  }

  kernel(host: string): HostKernel {
    const kernel = this.#kernels.get(host) ?? new HostKernel(this.lab, host);
    this.#kernels.set(host, kernel);
    return kernel;
  }

  /** The guest's card in the test's hands instead of its kernel's. */
  nic(name: string): Promise<Nic> {
    return this.keep(Nic.ofGuest(this.guest(name).namespace));
  }

  /** Ended with the scene, the last one first. */
  async keep<T extends { close?(): Promise<unknown>; stop?(): Promise<unknown> }>(made: Promise<T>): Promise<T> {
    const thing = await made;
    this.#closing.unshift(() => thing.close?.() ?? thing.stop?.());
    return thing;
  }

  async close(): Promise<void> {
    for (const close of this.#closing) await close();
    for (const kernel of this.#kernels.values()) kernel.close();
    await this.lab.close();
  }
}

/** Tunnel address of a host of a lab. */
export const tunnelOf = (lab: Lab, host: string): string => lab.host(host).tunnelAddress;
