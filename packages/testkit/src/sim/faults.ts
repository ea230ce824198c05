import type { HostNode } from "./agent.ts";
import type { ControllerNode } from "./controller.ts";
import type { Process } from "./process.ts";
import { STORE } from "./store.ts";
import type { Surroundings } from "./surroundings.ts";

export interface Machines {
  readonly controllers: readonly ControllerNode[];
  readonly hosts: readonly HostNode[];
}

/** Everything that may go wrong, at random, and that it ends. */
export class Faults {
  /** Percent of the store's calls that get lost. */
  lossy = 0;
  readonly #around: Surroundings;
  readonly #machines: Machines;

  constructor(around: Surroundings, machines: Machines) {
    this.#around = around;
    this.#machines = machines;
  }

  /** Does one; answers its name. */
  next(): string {
    const { random } = this.#around;
    const faults: readonly (() => string)[] = [
      () => this.#killController(),
      () => this.#stopController(),
      () => this.#pauseController(),
      () => this.#pauseController(),
      () => this.#killAgent(),
      () => this.#pauseAgent(),
      () => this.#cut(),
      () => this.#cut(),
      () => this.#isolate(),
      () => this.#break(),
      () => this.#loseCalls(),
      () => this.#slowDown(),
      () => this.#compact(),
    ];
    return random.pick(faults)();
  }

  /** All is well from now on: what is down is started, what sleeps is woken. */
  end(): void {
    const { network } = this.#around;
    network.healAll();
    network.slow = 1;
    this.lossy = 0;
    for (const node of [...this.#machines.controllers, ...this.#machines.hosts]) {
      if (node.process.dead) node.start();
      node.process.wake("stopped process");
    }
  }

  #killController(): string {
    const { random } = this.#around;
    const node = random.pick(this.#machines.controllers);
    node.crash();
    this.#later(random.chance(50) ? 300 : 5000, () => node.process.dead && node.start());
    return `kills ${node.name}`;
  }
  #stopController(): string {
    const node = this.#around.random.pick(this.#machines.controllers);
    node.stop();
    return `stops ${node.name}`;
  }
  #pauseController(): string {
    const node = this.#around.random.pick(this.#machines.controllers);
    return this.#pause(node.process);
  }
  #killAgent(): string {
    const { random } = this.#around;
    const node = random.pick(this.#machines.hosts);
    const how = random.chance(30) ? "reboots" : "kills";
    node.crash();
    this.#later(2000, () => node.process.dead && (how === "kills" ? node.start() : node.reboot()));
    return `${how} ${node.id}`;
  }
  #pauseAgent(): string {
    return this.#pause(this.#around.random.pick(this.#machines.hosts).process);
  }
  #pause(process: Process): string {
    const how = this.#around.random.chance(70) ? "stopped process" : "stopped machine";
    process.pause();
    this.#later(8000, () => process.wake(how));
    return `pauses ${process.machine}`;
  }

  #cut(): string {
    const { random, network } = this.#around;
    const a = random.pick(this.#names(this.#machines.controllers.map((c) => c.name)));
    const b = random.pick(this.#names(this.#machines.hosts.map((h) => h.id)));
    network.cut(a, b);
    this.#later(6000, () => network.heal(a, b));
    return `cuts ${a} from ${b}`;
  }
  #isolate(): string {
    const { random, network } = this.#around;
    const all = this.#names([]).concat(this.#machines.hosts.map((h) => h.id));
    const one = random.pick(all);
    for (const other of all) network.cut(one, other);
    this.#later(6000, () => {
      for (const other of all) network.heal(one, other);
    });
    return `isolates ${one}`;
  }
  #break(): string {
    const { random, network } = this.#around;
    const percent = random.pick([20, 100]);
    network.break(() => random.chance(percent));
    return `breaks ${percent} percent of the streams`;
  }
  #loseCalls(): string {
    this.lossy = this.#around.random.pick([5, 30, 100]);
    this.#later(3000, () => {
      this.lossy = 0;
    });
    return `loses ${this.lossy} percent of the store's calls`;
  }
  #slowDown(): string {
    const { network } = this.#around;
    network.slow = 30;
    this.#later(3000, () => {
      network.slow = 3;
    });
    return "makes the network slow";
  }
  #compact(): string {
    const { random, memory } = this.#around;
    void memory.range({ prefix: "-" }).then(({ revision }) => memory.compact(Math.max(1, revision - random.int(0, 9))));
    return "compacts the store";
  }

  /** Controllers and the store, and those. */
  #names(more: readonly string[]): string[] {
    return [...this.#machines.controllers.map((c) => c.name), STORE, ...more];
  }
  #later(most: number, end: () => void): void {
    this.#around.time.after(this.#around.random.int(1, most), end);
  }
}
