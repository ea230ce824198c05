import type { ServerResponse } from "node:http";
import type { WatchEvent } from "@onehop/api";
import { OnehopError } from "@onehop/core";
import type { Clock } from "@onehop/store";

/** Milliseconds that a reader may leave what was written unread; a megabyte or so is on its way then. */
const SLOW_MS = 10_000;
/** Milliseconds that the last event has to get through. */
const LAST_MS = 2000;

export type Format = "sse" | "ndjson";

/** Server-sent events (WHATWG HTML, section 9.2), or one JSON text a line. */
export function encode(format: Format, event: WatchEvent): string {
  const json = JSON.stringify(event);
  if (format === "ndjson") return `${json}\n`;
  return `${event.id === undefined ? "" : `id: ${event.id}\n`}event: ${event.type}\ndata: ${json}\n\n`;
}

/** Where events go. What is not read is not gathered: the reader is waited for, and left when it takes too long. */
export class Sink {
  readonly #response: ServerResponse;
  readonly #format: Format;
  readonly #clock: Clock;
  #turn: Promise<void> = Promise.resolve();
  /** When something was last written, by the clock. */
  written: number;

  constructor(response: ServerResponse, format: Format, clock: Clock) {
    this.#response = response;
    this.#format = format;
    this.#clock = clock;
    this.written = clock.now();
  }

  /** Resolves when there is room for more; rejects where the reader is too slow. */
  send(events: readonly WatchEvent[]): Promise<void> {
    const sent = this.#turn.then(() => this.#write(events.map((e) => encode(this.#format, e)).join("")));
    this.#turn = sent.catch(() => undefined);
    return sent;
  }

  /** Ends the stream, with a last event where there is one; a reader that does not take it is cut off. */
  end(last?: WatchEvent): void {
    const cancel = this.#clock.after(LAST_MS, () => this.#response.destroy());
    this.#response.once("close", cancel);
    this.#response.end(last && encode(this.#format, last));
  }

  async #write(text: string): Promise<void> {
    if (text === "" || this.#response.destroyed) return;
    this.written = this.#clock.now();
    if (!this.#response.write(text)) await this.#drained();
  }

  #drained(): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = (end: () => void) => {
        cancel();
        this.#response.off("drain", read).off("close", read);
        end();
      };
      const read = () => settle(resolve);
      const cancel = this.#clock.after(SLOW_MS, () => settle(() => reject(tooSlow())));
      this.#response.once("drain", read).once("close", read);
    });
  }
}

const tooSlow = (): OnehopError =>
  new OnehopError({
    code: "slow_reader",
    status: 503,
    message: `What was sent was not read for ${SLOW_MS / 1000} s.`,
    hint: "Resume after the last id, with a narrower filter or a faster reader.",
    retry_after: 1,
  });
