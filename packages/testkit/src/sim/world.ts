import { keys, MemoryStore, type Txn } from "@onehop/store";
import { Random } from "../topologies/random.ts";
import { HostNode } from "./agent.ts";
import { ControllerNode } from "./controller.ts";
import { Faults, type Machines } from "./faults.ts";
import { addressOf, Network } from "./network.ts";
import type { Process } from "./process.ts";
import { unrest } from "./quiet.ts";
import type { Surroundings } from "./surroundings.ts";
import { Time } from "./time.ts";
import { Users } from "./users.ts";
import { type HostSpec, Wishes } from "./wishes.ts";

/** What becomes of a schedule. */
export interface Outcome {
  readonly seed: number;
  /** What must never be, or was not reached in time; undefined: all is well. */
  readonly broken: string | undefined;
  /** What was done, with its time: the same seed gives the same. */
  readonly log: readonly string[];
  readonly events: number;
  readonly writes: Users["counts"];
}

/** Every so many schedules have two rounds of trouble, each followed by quiet. */
const TWO_ROUNDS = 8;
/** Steps of a round, and milliseconds between two. */
const STEPS = 24;
const STEP_MS = 150;
/** Until all must be as it should be, between looks, and before a last one, milliseconds. */
const PATIENCE_MS = 30_000;
const LOOK_MS = 200;
const STAY_MS = 1000;
const EPOCH_MS = Date.UTC(2026, 0, 1);

/** A region in one process: all that is random, late or lost comes from the seed. */
export class World {
  readonly #seed: number;
  readonly #time = new Time();
  readonly #random: Random;
  readonly #memory: MemoryStore;
  readonly #network: Network;
  readonly #log: string[] = [];
  readonly #machines: Machines;
  readonly #faults: Faults;
  readonly #users: Users;
  readonly #wishes: Wishes;
  readonly #specs: readonly HostSpec[];
  readonly #project: string;
  #broken: string | undefined;

  constructor(seed: number) {
    this.#seed = seed;
    const random = new Random(seed);
    this.#random = random;
    const time = this.#time;
    this.#memory = new MemoryStore({ clock: { now: () => time.now, after: (ms, fn) => time.after(ms, fn) } });
    this.#network = new Network(time, random);
    const around = this.#surroundings();
    const names = ["c1", "c2", "c3"].slice(0, random.int(2, 3));
    const controllers = names.map((name) => new ControllerNode(name, around));
    this.#specs = Array.from({ length: random.int(3, 5) }, (_, i) => hostSpec(i + 1));
    const first = names.slice(0, random.int(1, 2)).map(addressOf);
    const hosts = this.#specs.map(({ id }) => new HostNode(id, first, around));
    this.#machines = { controllers, hosts };
    this.#faults = new Faults(around, this.#machines);
    this.#users = new Users(around, controllers);
    this.#project = idOf(9, 1);
    this.#wishes = new Wishes(this.#users, random, { hosts: this.#specs, project: this.#project });
  }

  async run(): Promise<Outcome> {
    await this.#begin();
    for (let round = 1; round <= (this.#seed % TWO_ROUNDS < 2 ? 2 : 1) && !this.#broken; round++) {
      await this.#trouble();
      await this.#quiet();
    }
    for (const node of [...this.#machines.controllers, ...this.#machines.hosts]) node.crash();
    const { events } = this.#time;
    return { seed: this.#seed, broken: this.#broken, log: this.#log, events, writes: this.#users.counts };
  }

  #surroundings(): Surroundings {
    const around = {
      time: this.#time,
      random: this.#random,
      network: this.#network,
      memory: this.#memory,
      wall: () => EPOCH_MS + Math.floor(this.#time.now),
      onBroken: (sentence: string) => this.#break(sentence),
    };
    const storeRig = {
      memory: this.#memory,
      network: this.#network,
      lossy: () => this.#faults.lossy,
      onTxn: (txn: Txn, by: Process) => this.#ownersOf(txn, by),
    };
    return { ...around, storeRig };
  }

  /** Hosts, some of them hubs, before anything goes wrong. */
  async #begin(): Promise<void> {
    await this.#until("the controllers work", () => this.#machines.controllers.every((c) => c.api));
    this.#users.create("project", { name: "shop" }, this.#project);
    const hubs = this.#random.int(0, 3);
    for (const [i, spec] of this.#specs.entries()) this.#wishes.host(spec, i < hubs ? ["compute", "hub"] : ["compute"]);
    await this.#until("hosts are made", () => this.#users.open === 0);
  }

  async #trouble(): Promise<void> {
    for (let step = 0; step < STEPS && !this.#broken; step++) {
      if (this.#random.chance(25)) this.#say(this.#faults.next());
      else this.#wishes.next();
      await this.#time.run(this.#random.int(0, 2 * STEP_MS));
    }
  }

  async #quiet(): Promise<void> {
    this.#faults.end();
    this.#say("all is well");
    const end = this.#time.now + PATIENCE_MS;
    let problem = await this.#look(end);
    if (!problem) {
      // What a lease kept until now may still end: it must come back.
      await this.#time.run(STAY_MS);
      problem = await this.#look(end);
    }
    if (problem) {
      this.#break(`${PATIENCE_MS / 1000} s after all was well: ${problem}`);
      return;
    }
    this.#say("it is quiet");
    const lost = await this.#users.lost();
    if (lost) this.#break(lost);
    await this.#users.learn();
  }

  /** Until there is nothing wrong; what is, at the end. */
  async #look(end: number): Promise<string | undefined> {
    for (;;) {
      const problem = await this.#problem();
      if (!problem || this.#broken || this.#time.now > end) return problem;
      await this.#time.run(LOOK_MS);
    }
  }

  async #problem(): Promise<string | undefined> {
    if (this.#users.open > 0) return `${this.#users.open} writes have no answer`;
    return unrest(this.#memory, this.#machines);
  }

  /** Who writes a host's report owns it, at that very moment. */
  #ownersOf({ then }: Txn, by: Process): () => void {
    const ids = then.flatMap((op) =>
      "put" in op && op.put.startsWith(keys.reports) ? [op.put.slice(keys.reports.length)] : [],
    );
    const claims = ids.map((id) => this.#memory.get(keys.claim(`host/${id}`)));
    return () => {
      for (const [i, id] of ids.entries())
        void claims[i]?.then((claim) => {
          if (claim?.value !== by.machine)
            this.#break(`${by.machine} writes the report of ${id}, which ${claim?.value ?? "nobody"} owns.`);
        });
    };
  }

  async #until(what: string, holds: () => boolean): Promise<void> {
    await this.#time.run(PATIENCE_MS, holds);
    if (!holds()) this.#break(`in vain waited until ${what}`);
  }

  #break(sentence: string): void {
    this.#say(sentence);
    this.#broken ??= sentence;
  }
  #say(sentence: string): void {
    this.#log.push(`${this.#time.now.toFixed(1)} ${sentence}`);
  }
}

const idOf = (kind: number, n: number): string => `0000000${kind}-0000-4000-8000-${String(n).padStart(12, "0")}`;
const hostSpec = (n: number): HostSpec => ({ id: idOf(1, n), name: `h${n}`, tunnel_address: `192.0.2.${n}` });
