import { Leases } from "@onehop/controller/allocate/leases";
import { Writer } from "@onehop/controller/api/writer";
import { ROOT } from "@onehop/controller/auth/caller";
import { type ControlPlane, startControlPlane } from "@onehop/controller/control_plane";
import { type Context, LIMITS } from "@onehop/controller/handlers/handler";
import { pino } from "pino";
import { addressOf } from "./network.ts";
import { Process } from "./process.ts";
import { FarStore } from "./store.ts";
import type { Surroundings } from "./surroundings.ts";
import { witnessed } from "./witness.ts";

export const silent = pino({ level: "silent" });
/** Before an init system starts it again. */
const RESTART_MS = 300;

/** What a controller's process has of an API: writes go through the same handlers. */
export interface Api {
  readonly writer: Writer;
  readonly context: Context;
}

/** A machine that runs a controller, again and again. */
export class ControllerNode {
  readonly name: string;
  process: Process;
  plane: ControlPlane | undefined;
  api: Api | undefined;
  readonly #around: Surroundings;
  #stopping = new AbortController();

  constructor(name: string, around: Surroundings) {
    this.name = name;
    this.#around = around;
    this.process = this.start();
  }

  /** What died before, or not yet, is gone. */
  start(): Process {
    const { time } = this.#around;
    this.crash();
    const process = new Process(this.name, time);
    this.process = process;
    this.#stopping = new AbortController();
    void this.#run(process, this.#stopping.signal).then(() => {
      process.die();
      time.after(RESTART_MS, () => this.process === process && this.start());
    });
    return process;
  }

  crash(): void {
    this.plane = undefined;
    this.api = undefined;
    this.process?.die();
  }

  /** Leaves what it serves to others, ends, and is started again. */
  stop(): void {
    this.process.do(() => this.#stopping.abort());
  }

  /** Until it ends by itself. */
  async #run(process: Process, signal: AbortSignal): Promise<void> {
    const { network, random, wall, storeRig } = this.#around;
    const store = new FarStore(storeRig, process);
    const bytes = (length: number) => random.bytes(length);
    const { clock } = process;
    const dial = (address: string) => network.dial(process, address, "member");
    const breathe = () => process.wait(0);
    const options = { store, clock, name: this.name, signal, random: bytes, logger: silent, dial, breathe };
    let plane: ControlPlane;
    try {
      plane = await startControlPlane(options);
    } catch {
      return;
    }
    this.plane = plane;
    const leases = new Leases(store, clock);
    const now = () => new Date(wall()).toISOString();
    this.api = {
      writer: new Writer(store, leases),
      context: { caller: ROOT, leases, limits: LIMITS, random: bytes, now },
    };
    const address = addressOf(this.name);
    network.listen(address, {
      process,
      agent: (link, from) => plane.acceptAgent(witnessed(link, from, { plane, around: this.#around })),
      member: (link) => plane.acceptMember(link),
    });
    plane.join(address);
    await plane.ended;
    this.plane = undefined;
    this.api = undefined;
  }
}
