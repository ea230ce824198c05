import type { Answer, Clock, FromAgent, Query, ToAgent, WatchStart } from "@onehop/core";
import { hostAnswer, type Known, portAnswer } from "../report/answers.ts";
import { DropLog, type PortAt } from "./drop_log.ts";
import { barsAnswer, learnedAnswer } from "./learned.ts";
import { injectFrame, runFrame } from "./run.ts";
import { topPairs, topPorts } from "./top.ts";
import { Watches } from "./watches.ts";

export interface DeskOptions {
  /** Undefined: nothing is loaded yet. */
  readonly known: () => Known | undefined;
  readonly clock: Clock;
  /** Milliseconds since the epoch. */
  readonly wall: () => number;
  /** Does nothing where there is no stream. */
  readonly send: (message: FromAgent) => void;
  /** Whether there is one. */
  readonly connected: () => boolean;
}

/** Between looks at the drop events, and at the counters. */
const EVENTS_MS = 100;
const COUNT_EVERY = 50;
/** Rows of one answer. */
const MOST_ROWS = 2000;

/** Answers what users ask of this host, and notes what is dropped meanwhile. */
export class Desk {
  readonly #options: DeskOptions;
  readonly #drops: DropLog;
  readonly #watches: Watches;
  #cancel: () => void = () => undefined;

  constructor(options: DeskOptions) {
    const { clock, wall, send, known } = options;
    this.#options = options;
    this.#drops = new DropLog(wall);
    this.#watches = new Watches({ host: known, clock, send });
  }

  start(): void {
    this.#tick(0);
  }

  stop(): void {
    this.#cancel();
    this.#watches.stopAll();
  }

  receive(message: ToAgent): void {
    if (message.type === "query") void this.#answer(message).then((answer) => this.#options.send(answer));
    else if (message.type === "watch") this.#watch(message);
    else if (message.type === "unwatch") this.#watches.stop(message.id);
  }

  #tick(n: number): void {
    const known = this.#options.known();
    known?.kernel.takeDropEvents((event, time) => this.#drops.tell(event, time));
    if (known && n % COUNT_EVERY === 0) this.#count(known);
    if (!this.#options.connected()) this.#watches.stopAll();
    this.#cancel = this.#options.clock.after(EVENTS_MS, () => this.#tick(known ? n + 1 : 0));
  }

  #count({ kernel, mirror }: Known): void {
    const endpoints = mirror.table("endpoints").actual();
    const portOf = (slot: number): PortAt | undefined => {
      const row = endpoints.get(String(slot))?.[1];
      return row && { port_id: row.port, vpc: row.vpc };
    };
    this.#drops.count(kernel.drops(), portOf);
  }

  #watch(message: WatchStart): void {
    const { id } = message;
    try {
      this.#watches.start(message);
      this.#options.send({ type: "answer", id, result: {} });
    } catch (error) {
      this.#options.send({ type: "answer", id, error: (error as Error).message });
    }
  }

  async #answer(query: Query): Promise<Answer> {
    const { id } = query;
    const known = this.#options.known();
    if (!known) return { type: "answer", id, error: "the agent has no plan yet" };
    try {
      return { type: "answer", id, result: await this.#resultOf(query, known) };
    } catch (error) {
      return { type: "answer", id, error: (error as Error).message };
    }
  }

  async #resultOf(query: Query, known: Known): Promise<unknown> {
    switch (query.what) {
      case "counters":
        return portAnswer(query.port_id, known);
      case "host":
        return hostAnswer(known);
      case "run":
        return runFrame(query, known);
      case "inject":
        return injectFrame(query.port_id, query.frame, known);
      case "drops":
        known.kernel.takeDropEvents((event, time) => this.#drops.tell(event, time));
        this.#count(known);
        return this.#drops.rows(query.vpcs).slice(0, MOST_ROWS);
      case "learned":
        return learnedAnswer(query, known);
      case "bars":
      case "trust":
        return barsAnswer(query, known);
      case "top": {
        const { seconds, vpcs } = query;
        const rows =
          query.by === "ports"
            ? await topPorts(known, this.#options.clock, seconds)
            : topPairs(await this.#watches.pairs(seconds), seconds, vpcs);
        return rows.filter((row) => !vpcs || (row.vpc !== undefined && vpcs.includes(row.vpc)));
      }
    }
  }
}
