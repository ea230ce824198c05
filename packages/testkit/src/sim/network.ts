import type { Link } from "@onehop/core";
import type { Random } from "../topologies/random.ts";
import { Connection } from "./connection.ts";
import type { Process } from "./process.ts";
import type { Time } from "./time.ts";

/** What is served at an address. */
export interface Listener {
  readonly process: Process;
  readonly agent: (link: Link, from: string) => void;
  readonly member: (link: Link) => void;
}

/** Milliseconds between tries of a connection whose packets get lost, and until it is given up. */
const RESEND_MS = 200;
const HANDSHAKE_MS = 2000;

/** All machines, and what lies between them: nothing gets lost for good, but anything may be late or cut. */
export class Network {
  readonly time: Time;
  readonly random: Random;
  /** Percent of messages that take long. */
  slow = 3;
  readonly #cuts = new Set<string>();
  readonly #listeners = new Map<string, Listener>();
  readonly #connections = new Set<Connection>();

  constructor(time: Time, random: Random) {
    this.time = time;
    this.random = random;
  }

  /** How long a message takes, milliseconds. */
  delay(): number {
    const fraction = this.random.int(0, 1000) / 1000;
    return this.random.chance(this.slow) ? 400 * fraction : 0.1 + 4 * fraction;
  }

  isCut(a: string, b: string): boolean {
    return this.#cuts.size > 0 && this.#cuts.has(pairOf(a, b));
  }
  cut(a: string, b: string): void {
    if (a !== b) this.#cuts.add(pairOf(a, b));
  }
  heal(a: string, b: string): void {
    if (!this.#cuts.delete(pairOf(a, b))) return;
    for (const connection of this.#connections) connection.resume();
  }
  healAll(): void {
    this.#cuts.clear();
    for (const connection of this.#connections) connection.resume();
  }

  /** Serves until the process ends. */
  listen(address: string, listener: Listener): void {
    this.#listeners.set(address, listener);
    listener.process.onEnd(() => {
      if (this.#listeners.get(address) === listener) this.#listeners.delete(address);
    });
  }

  /** Breaks connections that are there, each at whatever frame. */
  break(which: (a: string, b: string) => boolean): void {
    for (const connection of [...this.#connections]) if (which(...connection.machines)) connection.break();
  }

  dial(from: Process, address: string, kind: "agent" | "member"): Link {
    const connection = new Connection(this, from, () => this.#connections.delete(connection));
    this.#connections.add(connection);
    this.#connect(connection, { address, kind, from, until: this.time.now + HANDSHAKE_MS });
    return connection.client;
  }

  #connect(connection: Connection, try_: Try): void {
    const { address, kind, from, until } = try_;
    this.time.after(this.delay(), () => {
      const listener = this.#listeners.get(address);
      const machine = listener?.process.machine ?? machineAt(address);
      if (this.isCut(from.machine, machine)) {
        if (this.time.now > until) connection.fail("ETIMEDOUT");
        else this.time.after(RESEND_MS, () => this.#connect(connection, try_));
      } else if (!listener) connection.fail("ECONNREFUSED");
      else {
        this.time.after(until - this.time.now, () => connection.giveUp());
        listener.process.do(() => {
          const link = connection.accept(listener.process);
          if (kind === "agent") listener.agent(link, from.machine);
          else listener.member(link);
        });
      }
    });
  }
}

interface Try {
  readonly address: string;
  readonly kind: "agent" | "member";
  readonly from: Process;
  readonly until: number;
}

const pairOf = (a: string, b: string): string => (a < b ? `${a} ${b}` : `${b} ${a}`);

/** Machines of the simulation have their name for an address. */
export const addressOf = (machine: string): string => `tcp:${machine}:1`;
const machineAt = (address: string): string => address.split(":")[1] ?? "";
