import { Tool } from "./tool.ts";

export interface TapVmOptions {
  /** Namespace of the host, and the tap's name there. */
  readonly host: string;
  readonly tap: string;
  /** Namespace that stands for the machine; it has to exist. */
  readonly guest: string;
  readonly mac: string;
  readonly mtu: number;
}

/** Frames that crossed the program that stands for the hypervisor, one way. */
export interface Carried {
  readonly frames: number;
  /** Bytes of the longest one. */
  readonly longest: number;
  /** How many were over 1514 bytes. */
  readonly superPackets: number;
}

/** A virtual machine behind a tap (tap_vm.py). */
export class TapVm {
  readonly namespace: string;
  readonly #tool: Tool;
  private constructor(namespace: string, tool: Tool) {
    this.namespace = namespace;
    this.#tool = tool;
  }

  static async start({ host, tap, guest, mac, mtu }: TapVmOptions): Promise<TapVm> {
    const tool = Tool.start(host, "./tap_vm.py", [tap, guest, mac, String(mtu)]);
    await tool.hears("ready");
    return new TapVm(guest, tool);
  }

  async seen(): Promise<{ toGuest: Carried; fromGuest: Carried }> {
    this.#tool.say("seen");
    const n = (await this.#tool.hears("seen")).map(Number);
    const way = (at: number): Carried => ({ frames: n[at]!, longest: n[at + 1]!, superPackets: n[at + 2]! });
    return { toGuest: way(0), fromGuest: way(3) };
  }

  stop(): Promise<void> {
    return this.#tool.stop();
  }
}
