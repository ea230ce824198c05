import type { Clock, FromAgent, Held, Query, Report, ToAgent, Verdicts, WatchStart, WatchStop } from "@onehop/core";
import type { Logger } from "pino";
import type { AddressBook } from "./address_book.ts";
import { Inbox } from "./inbox.ts";
import type { SliceStore } from "./slice_store.ts";
import type { Dial, Stream } from "./stream.ts";
import { Streams } from "./streams.ts";
import { Switchboard } from "./switchboard.ts";

export interface ControllersOptions {
  /** Name or id of this host. */
  readonly host: string;
  /** Addresses that are always tried. */
  readonly controllers: readonly string[];
  readonly dial: Dial;
  readonly book: AddressBook;
  readonly clock: Clock;
  /** 0..1; spreads the attempts of many agents. */
  readonly random: () => number;
  readonly logger: Logger;
  readonly slices: SliceStore;
  /** The plan may have changed. */
  readonly onChange: () => void;
  /** A slice that was here is vouched for. */
  readonly onConfirmed: () => void;
  /** What was vouched for may be so no more. */
  readonly onDoubt: () => void;
  readonly onQuestion: (question: Query | WatchStart | WatchStop) => void;
  readonly onVerdicts: (verdicts: Verdicts) => void;
  /** What a controller should hear first; undefined: nothing yet. */
  readonly firstReport: () => Report | undefined;
}

/** All controllers that live, as one: slices, questions and verdicts come in, reports, answers and lessons go out. */
export class Controllers {
  readonly #options: ControllersOptions;
  readonly #streams: Streams;
  readonly #inbox: Inbox<Stream>;
  readonly #switchboard = new Switchboard<Stream>();
  #problem: string | undefined;

  constructor(options: ControllersOptions) {
    const { slices, logger } = options;
    this.#options = options;
    this.#inbox = new Inbox({
      ...options,
      streams: () => this.#streams.open,
      onStale: ({ id, epoch }) => logger.warn({ slice: id, epoch }, "An old slice came."),
    });
    this.#streams = new Streams({
      ...options,
      have: () => slices.held(),
      onFrame: (frame, stream) => this.#take(frame, stream),
      onOpen: (stream) => {
        const report = options.firstReport();
        if (report) stream.send(report);
      },
      onClosed: (stream) => this.#ended(stream),
      onProblem: (problem) => this.#tell(problem),
      onError: (error) => logger.warn({ err: error }, "The controllers' addresses cannot be kept on disk."),
    });
  }

  get connected(): boolean {
    return this.#streams.open.length > 0;
  }

  /** When the controllers that vouch for our slices were heard last, all of them; undefined: there is no stream. */
  heard(): number | undefined {
    const vouchers = [...this.#inbox.wholeness.vouchers()];
    const streams = vouchers.length > 0 ? vouchers : this.#streams.open;
    const times = streams.flatMap((stream) => stream.heard ?? []);
    return times.length > 0 ? Math.min(...times) : undefined;
  }

  /** Makes them say something. */
  ping(): void {
    this.#streams.ping();
  }

  /** Whether somebody vouches for each of these. */
  vouchFor(held: readonly Held[]): boolean {
    return this.#inbox.wholeness.covers(held);
  }

  /** Answers go to who asked, lessons to one controller, and all else to all. */
  send(message: FromAgent): void {
    if (message.type === "answer" || message.type === "watched") this.#switchboard.answer(message);
    else if (message.type === "lessons") this.#judge()?.send(message);
    else this.#streams.send(message);
  }

  /** Until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    await this.#streams.run(signal);
    this.#inbox.stop();
  }

  /** All know what is bound where; hosts are spread over them by who owns their own slice. */
  #judge(): Stream | undefined {
    const { ownId } = this.#options.slices;
    return (ownId && this.#inbox.wholeness.voucherOf(ownId)) ?? this.#streams.open[0];
  }

  #take(frame: string | Uint8Array, from: Stream): void {
    try {
      if (typeof frame === "string") this.#receive(JSON.parse(frame) as ToAgent, from);
      else this.#inbox.take(frame, from);
    } catch (error) {
      this.#tell(`${from.address} sent what makes no sense: ${(error as Error).message}`);
      from.reject();
    }
  }

  #receive(message: ToAgent, from: Stream): void {
    if (message.type === "refused") {
      this.#tell(`${from.address} refuses: ${message.message}`);
      return;
    }
    from.served();
    if (message.type === "members") this.#streams.learn(message, from);
    if (message.type === "same") this.#inbox.accept(message, from);
    if (message.type === "verdicts") this.#options.onVerdicts(message);
    if (message.type === "released") {
      this.#inbox.released(message.ids, from);
      this.#options.onDoubt();
    }
    const question = Switchboard.isQuestion(message) ? this.#switchboard.take(message, from) : undefined;
    if (question) this.#options.onQuestion(question);
  }

  #ended(stream: Stream): void {
    this.#inbox.wholeness.ended(stream);
    this.#options.onDoubt();
    for (const question of this.#switchboard.ended(stream)) this.#options.onQuestion(question);
  }

  /** Said once, however often it is tried. */
  #tell(problem: string): void {
    if (this.#problem !== problem) this.#options.logger.info({ problem }, "A controller does not serve this host.");
    this.#problem = problem;
  }
}
