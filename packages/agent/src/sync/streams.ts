import { type FromAgent, type Members, STREAM_PATH, streamUrl } from "@onehop/core";
import type { AddressBook } from "./address_book.ts";
import { Stream, type StreamOptions } from "./stream.ts";

export interface StreamsOptions extends Omit<StreamOptions, "address" | "isSpare"> {
  /** Addresses that are always tried. */
  readonly controllers: readonly string[];
  /** Those that controllers told. */
  readonly book: AddressBook;
  readonly onError: (error: unknown) => void;
}

/** Controllers that a host keeps a stream to, beyond those that it was started with. */
const MOST = 64;

/** A stream to every controller that lives: to those that this agent was started with, and to those they tell of. */
export class Streams {
  readonly #options: StreamsOptions;
  readonly #streams = new Map<string, Stream>();
  readonly #schemes: ReadonlySet<string>;
  #stopped = false;
  #told = "";

  constructor(options: StreamsOptions) {
    this.#options = options;
    for (const address of options.controllers) streamUrl(address, STREAM_PATH);
    this.#schemes = new Set(options.controllers.map(schemeOf));
  }

  /** Those that are up. */
  get open(): Stream[] {
    return [...this.#streams.values()].filter((stream) => stream.connected);
  }

  send(message: FromAgent): void {
    for (const stream of this.#streams.values()) stream.send(message);
  }
  ping(): void {
    for (const stream of this.#streams.values()) stream.ping();
  }

  /** Until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { controllers, book, onError } = this.#options;
    const noted = await book.load().catch((error) => {
      onError(error);
      return [];
    });
    this.#keep([...controllers, ...noted.filter((address) => this.#isAllowed(address))]);
    if (!signal.aborted) await new Promise((resolve) => signal.addEventListener("abort", resolve));
    this.#stopped = true;
    for (const stream of this.#streams.values()) stream.stop();
  }

  /** A controller told of all that live. */
  learn({ self, members }: Members, from: Stream): void {
    from.controller = self;
    const told = members
      .map((member) => member.address)
      .filter((address) => this.#isAllowed(address))
      .slice(0, MOST)
      .sort();
    // An owner's own address is not dropped because it does not know of itself yet.
    this.#keep([...this.#options.controllers, ...told, from.address]);
    if (told.join() === this.#told) return;
    this.#told = told.join();
    this.#options.book.save(told).catch(this.#options.onError);
  }

  #keep(addresses: readonly string[]): void {
    if (this.#stopped) return;
    const wanted = new Set(addresses);
    for (const [address, stream] of this.#streams) {
      if (wanted.has(address)) continue;
      this.#streams.delete(address);
      stream.stop();
    }
    for (const address of wanted) {
      if (this.#streams.has(address)) continue;
      const stream = new Stream({ ...this.#options, address, isSpare: (one) => this.#isSpare(one) });
      this.#streams.set(address, stream);
      void stream.run();
    }
  }

  #isSpare(stream: Stream): boolean {
    return stream.controller !== undefined && this.open.some((s) => s !== stream && s.controller === stream.controller);
  }

  /** What is told is never a weaker way than those that this agent was started with. */
  #isAllowed(address: string): boolean {
    try {
      streamUrl(address, STREAM_PATH);
      return this.#schemes.has(schemeOf(address));
    } catch {
      return false;
    }
  }
}

const schemeOf = (address: string): string => address.slice(0, address.indexOf(":"));
