import { Agent } from "@onehop/agent/agent";
import { FakeKernel } from "@onehop/agent/kernel/fake";
import type { Kernel } from "@onehop/agent/kernel/kernel";
import { DEFAULT_LIMITS } from "@onehop/agent/lower/index";
import type { SliceEnvelope, SliceId } from "@onehop/core";
import { silent } from "./controller.ts";
import { Process } from "./process.ts";
import type { Surroundings } from "./surroundings.ts";

export const UPLINK = "up0";

/** A machine that runs an agent: its kernel and its disk outlive the agent, its disk also the kernel. */
export class HostNode {
  /** Id of the host, and name of the machine. */
  readonly id: string;
  kernel = newKernel();
  process: Process;
  agent: Agent | undefined;
  readonly #around: Surroundings;
  readonly #controllers: readonly string[];
  readonly #disk = new Map<SliceId, SliceEnvelope>();
  #book: readonly string[] = [];
  /** Highest epoch of each slice that was ever part of the plan here. */
  readonly #epochs = new Map<SliceId, number>();

  constructor(id: string, controllers: readonly string[], around: Surroundings) {
    this.id = id;
    this.#controllers = controllers;
    this.#around = around;
    this.process = this.start();
  }

  start(): Process {
    this.crash();
    const { time, network, random, wall } = this.#around;
    const process = new Process(this.id, time);
    this.process = process;
    this.agent = new Agent({
      host: this.id,
      controllers: this.#controllers,
      dial: (address) => network.dial(process, address, "agent"),
      book: {
        load: async () => [...this.#book],
        save: async (addresses) => {
          await process.wait(1);
          this.#book = addresses;
        },
      },
      uplinks: [UPLINK],
      limits: DEFAULT_LIMITS,
      kernel: slowly(this.kernel, process, this.#around),
      snapshot: this.#snapshot(process),
      clock: process.clock,
      wall,
      random: () => random.int(0, 1000) / 1000,
      logger: silent,
    });
    void this.agent.run(new AbortController().signal);
    return process;
  }

  crash(): void {
    this.process?.die();
  }

  /** The kernel and all that was in it is gone. */
  reboot(): Process {
    this.crash();
    this.kernel = newKernel();
    return this.start();
  }

  #snapshot(process: Process) {
    return {
      load: async () => [...this.#disk.values()],
      save: async (slices: Iterable<SliceEnvelope>) => {
        for (const slice of slices) {
          await this.#while(process);
          this.#disk.set(slice.id, slice);
        }
      },
      // Last before the plan is applied.
      forget: async (ids: Iterable<SliceId>) => {
        for (const id of ids) {
          await this.#while(process);
          this.#disk.delete(id);
        }
        this.#checkEpochs();
      },
    };
  }

  async #while(process: Process): Promise<void> {
    if (this.#around.random.chance(30)) await process.wait(this.#around.random.int(0, 3));
  }

  #checkEpochs(): void {
    const own = this.#disk.get(`host/${this.id}`)?.body;
    const listed = own?.type === "host" ? own.slices.flatMap((id) => this.#disk.get(id) ?? []) : [];
    for (const { id, epoch } of listed) {
      const before = this.#epochs.get(id) ?? 0;
      if (epoch < before) this.#around.onBroken(`${this.id} applies ${id} of epoch ${epoch} after ${before}.`);
      this.#epochs.set(id, Math.max(epoch, before));
    }
  }
}

function newKernel(): FakeKernel {
  const kernel = new FakeKernel();
  kernel.addDevice(UPLINK);
  return kernel;
}

/** The kernel as one process has it: what may take time takes some, and a dead process hears nothing more. */
function slowly(kernel: FakeKernel, process: Process, { time, random }: Surroundings): Kernel {
  const take = async <T>(work: Promise<T>): Promise<T> => {
    const result = await work;
    if (random.chance(30)) await process.wait(random.int(0, 3));
    return result;
  };
  const slow: Partial<Kernel> = {
    now: () => BigInt(Math.round((time.now + 1000) * 1e6)),
    devices: () => take(kernel.devices()),
    overlayDevice: () => take(kernel.overlayDevice()),
    makeGuestLink: (link) => take(kernel.makeGuestLink(link)),
    removeGuestLink: (device) => take(kernel.removeGuestLink(device)),
    setUp: (names) => take(kernel.setUp(names)),
    setDown: (names) => take(kernel.setDown(names)),
    nextHops: (tunnels) => take(kernel.nextHops(tunnels)),
    watch: (onChange, signal) => kernel.watch((ifindex) => process.do(() => onChange(ifindex)), signal),
  };
  return new Proxy<Kernel>(kernel, {
    get(_target, name: keyof Kernel) {
      const own = slow[name];
      const value: unknown = own ?? kernel[name];
      return typeof value === "function" ? value.bind(kernel) : value;
    },
  });
}
