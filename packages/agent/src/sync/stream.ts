import {
  CLOSE,
  type Clock,
  type FromAgent,
  type Held,
  type Hello,
  type Link,
  PROTOCOL_VERSION,
  pause,
  type Report,
  type SliceId,
} from "@onehop/core";

/** Opens a stream; events may come as soon as it is listened to. Throws where it is no address. */
export type Dial = (address: string) => Link;

export interface StreamOptions {
  /** `unix:/path`, `tcp:host:port` or `tls:host:port`. */
  readonly address: string;
  /** Name or id of this host. */
  readonly host: string;
  readonly clock: Clock;
  /** 0..1; spreads the attempts of many agents. */
  readonly random: () => number;
  readonly dial: Dial;
  readonly have: () => readonly Held[];
  readonly onFrame: (frame: string | Uint8Array, stream: Stream) => void;
  /** The stream is up: what the controller should hear first. */
  readonly onOpen: (stream: Stream) => void;
  readonly onClosed: (stream: Stream) => void;
  readonly onProblem: (problem: string) => void;
  /** Whether another stream leads to the same controller, so that this one is not needed. */
  readonly isSpare: (stream: Stream) => boolean;
}

const FIRST_RETRY_MS = 50;
const LAST_RETRY_MS = 500;
/** A controller pings every three seconds; one that was silent for so long is dead. */
const SILENCE_MS = 7000;

/** The stream to one controller, opened again and again until it is stopped. */
export class Stream {
  readonly address: string;
  /** Name of the controller at its other end, once that has said it. */
  controller: string | undefined;
  readonly #options: StreamOptions;
  readonly #stopping = new AbortController();
  #link: Link | undefined;
  #failures = 0;
  #heard = 0;
  /** What this stream reported as applied. */
  #reported: ReadonlyMap<SliceId, Held> | undefined;

  constructor(options: StreamOptions) {
    this.#options = options;
    this.address = options.address;
  }

  get connected(): boolean {
    return this.#link?.open ?? false;
  }
  /** When the controller was heard last; undefined: there is no stream. */
  get heard(): number | undefined {
    return this.connected ? this.#heard : undefined;
  }

  /** Makes the controller say something, where it is in touch with the store. */
  ping(): void {
    this.#link?.ping();
  }

  /** Does nothing where there is no stream: onOpen comes with the next one. */
  send(message: FromAgent): void {
    if (this.connected) this.#link?.send(JSON.stringify(message.type === "report" ? this.#news(message) : message));
  }

  /** All that is applied at first, and then what is new. */
  #news(report: Report): Report {
    const before = this.#reported;
    const now = new Map(report.applied.map((held) => [held.id, held]));
    this.#reported = now;
    if (!before) return report;
    const gone = [...before.keys()].filter((id) => !now.has(id));
    return { ...report, applied: report.applied.filter((held) => !isSame(held, before.get(held.id))), gone };
  }

  /** The controller serves us: what failed before is forgotten. */
  served(): void {
    this.#failures = 0;
  }

  /** What came makes no sense: the stream begins anew. */
  reject(): void {
    this.#link?.close(CLOSE.badFrame);
  }

  /** Ends it for good. */
  stop(): void {
    this.#stopping.abort();
    this.#link?.terminate();
  }

  /** Resolves when it was stopped. */
  async run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      await this.#connect();
      await this.#pause(signal);
      while (!signal.aborted && this.#options.isSpare(this)) await pause(this.#options.clock, LAST_RETRY_MS, signal);
    }
  }

  /** Resolves when the stream has ended. */
  async #connect(): Promise<void> {
    const { onFrame, onOpen, onClosed, onProblem, clock, dial } = this.#options;
    let link: Link;
    try {
      link = dial(this.address);
    } catch (error) {
      onProblem((error as Error).message);
      return;
    }
    this.#link = link;
    this.#heard = clock.now();
    const stopWatch = this.#watch(link);
    const heard = () => {
      this.#heard = clock.now();
    };
    await new Promise<void>((resolve) =>
      link.listen({
        opened: () => {
          this.#reported = undefined;
          link.send(JSON.stringify(this.#hello()));
          onOpen(this);
        },
        frame: (frame) => {
          heard();
          onFrame(frame, this);
        },
        ping: () => heard(),
        pong: () => heard(),
        failed: (error) => onProblem(`${this.address}: ${error.message}`),
        closed: () => resolve(),
      }),
    );
    stopWatch();
    onClosed(this);
  }

  #hello(): Hello {
    return { type: "hello", version: PROTOCOL_VERSION, host: this.#options.host, have: this.#options.have() };
  }

  #watch(link: Link): () => void {
    const { clock } = this.#options;
    let cancel = () => {};
    const look = () => {
      if (clock.now() - this.#heard > SILENCE_MS) link.terminate();
      else cancel = clock.after(SILENCE_MS / 4, look);
    };
    look();
    return () => cancel();
  }

  #pause(signal: AbortSignal): Promise<void> {
    const { clock, random } = this.#options;
    const most = Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** this.#failures++);
    return pause(clock, most * (0.5 + random() / 2), signal);
  }
}

const isSame = (a: Held, b: Held | undefined): boolean =>
  b !== undefined && a.hash === b.hash && a.epoch === b.epoch && a.generation === b.generation;
