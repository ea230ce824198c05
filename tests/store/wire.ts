import { createConnection, createServer, type NetConnectOpts, type Server, type Socket } from "node:net";

/** Where bytes of one direction go: `delay` ms later, or nowhere while `deaf`. */
interface Direction {
  readonly from: Socket;
  readonly to: Socket;
  /** Milliseconds. */
  readonly delay: number;
}

export interface WireOptions {
  /** Of the nth connection, each way, ms: connections of different length overtake one another. */
  readonly delayOf?: (connection: number) => number;
}

/** A TCP proxy on loopback, bytes as they come, whose connections a test spoils. TLS goes through it untouched. */
export class Wire {
  readonly #server: Server;
  readonly #target: NetConnectOpts;
  readonly #options: WireOptions;
  readonly #open = new Set<Socket>();
  readonly #waiting: (() => void)[] = [];
  #connections = 0;
  #stalled = false;
  #answers: "pass" | "swallow" | "swallow one, then cut" = "pass";

  private constructor(target: NetConnectOpts, options: WireOptions) {
    this.#target = target;
    this.#options = options;
    this.#server = createServer((near) => this.#join(near));
  }

  /** `target`: a port of loopback, or a unix socket's path. */
  static async to(target: number | string, options: WireOptions = {}): Promise<Wire> {
    const wire = new Wire(typeof target === "number" ? { host: "127.0.0.1", port: target } : { path: target }, options);
    await new Promise<void>((resolve) => wire.#server.listen(0, "127.0.0.1", resolve));
    return wire;
  }

  get port(): number {
    return (this.#server.address() as { port: number }).port;
  }
  /** Connections taken so far. */
  get connections(): number {
    return this.#connections;
  }

  /** Breaks every connection where it is, in the midst of a message or not; new ones are taken. */
  cut(): void {
    for (const socket of this.#open) socket.destroy();
  }
  /** Nothing gets through, and nothing breaks, until `flow`. */
  stall(): void {
    this.#stalled = true;
  }
  flow(): void {
    this.#stalled = false;
    for (const send of this.#waiting.splice(0)) send();
  }
  /** Requests get through, answers are lost, and no connection breaks: half open, as behind a firewall that forgot it. */
  loseAnswers(): void {
    this.#answers = "swallow";
  }
  /** The next answer is lost, with its connection: what was asked has been done. */
  loseNextAnswer(): void {
    this.#answers = "swallow one, then cut";
  }
  heal(): void {
    this.#answers = "pass";
    this.cut();
  }

  async close(): Promise<void> {
    this.flow();
    this.cut();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #join(near: Socket): void {
    const delay = this.#options.delayOf?.(this.#connections) ?? 0;
    this.#connections++;
    const far = createConnection(this.#target);
    this.#carry({ from: near, to: far, delay }, (bytes, send) => send(bytes));
    this.#carry({ from: far, to: near, delay }, (bytes, send) => {
      if (this.#answers === "pass") send(bytes);
      if (this.#answers !== "swallow one, then cut") return;
      this.#answers = "pass";
      far.destroy();
    });
  }

  #carry({ from, to, delay }: Direction, pass: (bytes: Buffer, send: (bytes: Buffer) => void) => void): void {
    this.#open.add(from);
    const send = (bytes: Buffer) => void (to.destroyed || to.write(bytes));
    const later = (bytes: Buffer) => {
      if (this.#stalled) this.#waiting.push(() => pass(bytes, send));
      else pass(bytes, send);
    };
    from.on("data", (bytes) => (delay === 0 ? later(bytes) : setTimeout(later, delay, bytes)));
    from.on("error", () => from.destroy());
    from.on("close", () => {
      this.#open.delete(from);
      to.destroy();
    });
  }
}
