import type { Link, LinkEvents } from "@onehop/core";
import type { Network } from "./network.ts";
import type { Process } from "./process.ts";

type Message =
  | { readonly type: "frame"; readonly frame: string | Uint8Array; readonly done: () => void }
  | { readonly type: "opened" | "ping" | "pong" | "gone" }
  | { readonly type: "close"; readonly code: number };

const ABNORMAL = 1006;
/** Before an end that said "close" goes without the other's answer. */
const CLOSE_MS = 30_000;

/** One end of a connection, with what is on its way to the other. */
class End implements Link {
  state: "opening" | "open" | "closing" | "closed" = "opening";
  peer: End | undefined;
  readonly process: Process;
  readonly #network: Network;
  readonly #onClosed: () => void;
  /** As WebSockets of agents and of controllers that dial do. */
  readonly #answersPings: boolean;
  readonly #out: { readonly message: Message; readonly due: number }[] = [];
  #flying = false;
  #on: LinkEvents | undefined;

  constructor(network: Network, process: Process, end: { answersPings: boolean; onClosed: () => void }) {
    this.#network = network;
    this.process = process;
    this.#answersPings = end.answersPings;
    this.#onClosed = end.onClosed;
    process.onEnd(() => this.#vanish());
  }

  get open(): boolean {
    return this.state === "open";
  }
  listen(on: LinkEvents): void {
    this.#on = on;
  }
  send(frame: string | Uint8Array, done: () => void = () => undefined): void {
    if (this.open) this.#push({ type: "frame", frame, done });
    else done();
  }
  ping(): void {
    if (this.open) this.#push({ type: "ping" });
  }
  pong(): void {
    if (this.open) this.#push({ type: "pong" });
  }
  close(code: number): void {
    if (this.state === "opening") this.terminate();
    if (this.state !== "open") return;
    this.state = "closing";
    this.#push({ type: "close", code });
    this.#network.time.after(CLOSE_MS, () => this.process.do(() => this.#end(ABNORMAL)));
  }
  terminate(): void {
    if (this.state === "closed") return;
    this.#vanish();
    this.#network.time.after(0, () => this.process.do(() => this.#on?.closed(ABNORMAL)));
  }

  fail(code: string): void {
    this.process.do(() => {
      if (this.state !== "opening") return;
      this.state = "closed";
      this.#onClosed();
      this.#on?.failed?.(Object.assign(new Error(code), { code }));
      this.#on?.closed(ABNORMAL);
    });
  }

  /** The connection breaks: what is on its way is lost from some frame on. */
  break(): void {
    this.#drop(this.#network.random.int(0, this.#out.length));
    this.#push({ type: "gone" });
  }

  opened(): void {
    this.state = "open";
    this.#push({ type: "opened" });
  }

  /** What waits for a way goes on. */
  resume(): void {
    const [next] = this.#out;
    if (this.#flying || !next || !this.peer) return;
    const { time } = this.#network;
    this.#flying = true;
    time.after(next.due - time.now, () => {
      this.#flying = false;
      if (this.peer && this.#network.isCut(this.process.machine, this.peer.process.machine)) return;
      this.#out.shift();
      const { message } = next;
      if (message.type === "frame") this.process.do(message.done);
      this.peer?.process.do(() => this.peer?.receive(message));
      this.resume();
    });
  }

  receive(message: Message): void {
    if (this.state === "closed") return;
    const on = this.#on;
    if (message.type === "frame") on?.frame(message.frame);
    else if (message.type === "close") {
      if (this.state === "open") this.#push(message);
      this.#end(message.code);
    } else if (message.type === "gone") this.#end(ABNORMAL);
    else if (message.type === "pong") on?.pong?.();
    else if (message.type === "ping") {
      on?.ping?.();
      if (this.#answersPings) this.pong();
    } else if (this.state === "opening") {
      this.state = "open";
      on?.opened?.();
    }
  }

  #end(code: number): void {
    if (this.state === "closed") return;
    this.state = "closed";
    this.#onClosed();
    this.#on?.closed(code);
  }

  /** Without a word to whoever listens here. */
  #vanish(): void {
    if (this.state === "closed") return;
    this.state = "closed";
    this.break();
    this.#onClosed();
  }

  #drop(from: number): void {
    for (const { message } of this.#out.splice(from)) if (message.type === "frame") this.process.do(message.done);
  }

  #push(message: Message): void {
    const { time } = this.#network;
    const last = this.#out.at(-1)?.due ?? 0;
    this.#out.push({ message, due: Math.max(last, time.now + this.#network.delay()) });
    this.resume();
  }
}

/** Two ends, as of a WebSocket over TCP: frames come in order, or not at all once it broke. */
export class Connection {
  readonly #network: Network;
  readonly #client: End;
  #server: End | undefined;
  readonly #onClosed: () => void;

  constructor(network: Network, from: Process, onClosed: () => void) {
    this.#network = network;
    this.#onClosed = () => this.isOver && onClosed();
    this.#client = new End(network, from, { answersPings: true, onClosed: this.#onClosed });
  }

  get client(): Link {
    return this.#client;
  }
  get machines(): [string, string] {
    return [this.#client.process.machine, this.#server?.process.machine ?? ""];
  }
  get isOver(): boolean {
    return this.#client.state === "closed" && (this.#server?.state ?? "closed") === "closed";
  }

  accept(by: Process): Link {
    const server = new End(this.#network, by, { answersPings: false, onClosed: this.#onClosed });
    this.#server = server;
    server.peer = this.#client;
    this.#client.peer = server;
    server.opened();
    this.#client.resume();
    return server;
  }

  fail(code: string): void {
    this.#client.fail(code);
  }
  /** The handshake took too long. */
  giveUp(): void {
    if (this.#client.state === "opening") this.fail("ETIMEDOUT");
  }
  break(): void {
    if (!this.#server) return;
    this.#client.break();
    this.#server.break();
  }
  resume(): void {
    this.#client.resume();
    this.#server?.resume();
  }
}
