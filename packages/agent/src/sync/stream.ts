import { type Clock, type FromAgent, type Held, type Hello, PROTOCOL_VERSION, pause, type ToAgent } from "@onehop/core";
import { WebSocket } from "ws";

export interface StreamOptions {
  readonly host: string;
  /** `unix:/path` or `tcp:host:port`; tried in turn. */
  readonly controllers: readonly string[];
  readonly clock: Clock;
  /** 0..1; spreads the attempts of many agents. */
  readonly random: () => number;
  readonly have: () => readonly Held[];
  readonly onMessage: (message: ToAgent) => void;
  /** The stream is up: what the controller should hear first. */
  readonly onOpen: () => void;
  readonly onProblem: (problem: string) => void;
}

const FIRST_RETRY_MS = 50;
const LAST_RETRY_MS = 500;
/** A controller pings every second; one that was silent for so long is dead. */
const SILENCE_MS = 5000;
const MAX_FRAME = 64 * 1024 * 1024;

/** `unix:/run/x.sock` → the URL of the agents' stream there; throws with a sentence where it is no address. */
export function streamUrl(address: string): string {
  const path = `/agent/v${PROTOCOL_VERSION}`;
  if (address.startsWith("unix:/")) return `ws+unix:${address.slice(5)}:${path}`;
  if (/^tcp:.+:\d{1,5}$/.test(address)) return `ws://${address.slice(4)}${path}`;
  throw new Error(`${address} is no address: use unix:/path or tcp:host:port.`);
}

/** The stream to the first controller that serves us, for as long as the signal lasts. */
export class Stream {
  readonly #options: StreamOptions;
  #socket: WebSocket | undefined;
  #failures = 0;
  #next = 0;
  #heard = 0;

  constructor(options: StreamOptions) {
    this.#options = options;
    for (const address of options.controllers) streamUrl(address);
  }

  get connected(): boolean {
    return this.#socket?.readyState === WebSocket.OPEN;
  }

  /** When the controller was heard last; undefined: there is no stream. */
  get heard(): number | undefined {
    return this.connected ? this.#heard : undefined;
  }

  /** Makes the controller say something. */
  ping(): void {
    if (this.connected) this.#socket?.ping();
  }

  /** Does nothing where there is no stream: onOpen comes with the next one. */
  send(message: FromAgent): void {
    if (this.connected) this.#socket?.send(JSON.stringify(message));
  }

  async run(signal: AbortSignal): Promise<void> {
    signal.addEventListener("abort", () => this.#socket?.terminate());
    while (!signal.aborted && this.#options.controllers.length > 0) {
      const address = this.#options.controllers[this.#next++ % this.#options.controllers.length] as string;
      await this.#connect(address);
      if (signal.aborted) return;
      await this.#pause(signal);
    }
  }

  /** Resolves when the stream has ended. */
  #connect(address: string): Promise<void> {
    const { onMessage, onOpen, onProblem, clock } = this.#options;
    const socket = new WebSocket(streamUrl(address), { maxPayload: MAX_FRAME, handshakeTimeout: 2000 });
    this.#socket = socket;
    this.#heard = clock.now();
    const stopWatch = this.#watch(socket);
    const heard = () => {
      this.#heard = clock.now();
    };
    socket.on("ping", heard);
    socket.on("pong", heard);
    socket.on("open", () => {
      socket.send(JSON.stringify(this.#hello()));
      onOpen();
    });
    socket.on("message", (data) => {
      heard();
      const message = JSON.parse(String(data)) as ToAgent;
      if (message.type === "refused") return onProblem(`${address} refuses: ${message.message}`);
      // Served: what failed before is forgotten, and this controller is the first to be tried again.
      if (this.#failures > 0) this.#next--;
      this.#failures = 0;
      onMessage(message);
    });
    return new Promise((resolve) => {
      socket.on("error", (error) => onProblem(`${address}: ${error.message}`));
      socket.on("close", () => {
        stopWatch();
        resolve();
      });
    });
  }

  #hello(): Hello {
    return { type: "hello", version: PROTOCOL_VERSION, host: this.#options.host, have: this.#options.have() };
  }

  #watch(socket: WebSocket): () => void {
    const { clock } = this.#options;
    let cancel = () => {};
    const look = () => {
      if (clock.now() - this.#heard > SILENCE_MS) socket.terminate();
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
