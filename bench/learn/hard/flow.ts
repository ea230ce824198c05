import { type Guest, inNamespace } from "@onehop/lab";
import { Child } from "@onehop/lab/system/child";
import { saysReady, toolPath } from "../../tools.ts";

const PORT = 7100;
/** Shorter ones are the scheduler's. */
const SILENCE_MS = 20;

export interface FlowOptions {
  readonly from: Guest;
  readonly to: Guest;
  /** Between packets; 1000 where it is not said. */
  readonly intervalUs?: number;
  /** One for each flow to a guest. */
  readonly port?: number;
}

interface Silence {
  /** Of the monotonic clock: the last packet before it. */
  readonly from_ns: number;
  readonly ns: number;
}

/** One way, a packet each millisecond, from guest to guest; silences are told by the receiver as they end. */
export class Flow {
  readonly #sender: Child;
  readonly #receiver: Child;
  readonly #sent: Lines;
  readonly #heard: Lines;

  private constructor(sender: Child, receiver: Child, sent: Lines, heard: Lines) {
    this.#sender = sender;
    this.#receiver = receiver;
    this.#sent = sent;
    this.#heard = heard;
  }

  static async start({ from, to, intervalUs = 1000, port = PORT }: FlowOptions): Promise<Flow> {
    const tool = await toolPath("flow");
    const ends = [to.addresses[0]!, String(port)];
    const receiver = await begin(to, [tool, "receive", ...ends, String(SILENCE_MS)]);
    try {
      const sender = await begin(from, [tool, "send", ...ends, String(intervalUs)]);
      return new Flow(sender.child, receiver.child, sender.lines, receiver.lines);
    } catch (error) {
      await receiver.child.kill();
      throw error;
    }
  }

  /** The longest silence that ended at that time of the monotonic clock or later, in ms; 0: there was none. */
  longestSince(ns: bigint): number {
    const silences = this.#heard.all().filter((line): line is Silence => "from_ns" in line);
    const lately = silences.filter((s) => s.from_ns + s.ns >= Number(ns));
    return Math.max(0, ...lately.map((s) => s.ns / 1e6));
  }

  async stop(): Promise<{ readonly sent: number; readonly received: number }> {
    await this.#sender.stop();
    await this.#receiver.stop();
    return { sent: await this.#sent.packets(), received: await this.#heard.packets() };
  }

  async kill(): Promise<void> {
    await Promise.all([this.#sender.kill(), this.#receiver.kill()]);
  }
}

async function begin(where: Guest, argv: readonly string[]): Promise<{ child: Child; lines: Lines }> {
  const child = await Child.start({ name: argv[0]!, argv: inNamespace(where.namespace, argv) });
  const lines = new Lines(child);
  await saysReady(child);
  return { child, lines };
}

type Line = Silence | { readonly packets: number };

/** What a tool says, line by line. */
class Lines {
  #text = "";
  readonly #closed: Promise<void>;

  constructor({ process }: Child) {
    process.stdout!.on("data", (piece: Buffer) => {
      this.#text += piece.toString();
    });
    this.#closed = new Promise((done) => process.once("close", () => done()));
  }

  all(): Line[] {
    const whole = this.#text.slice(0, this.#text.lastIndexOf("\n") + 1);
    return whole.split("\n").flatMap((line) => (line.startsWith("{") ? [JSON.parse(line) as Line] : []));
  }

  /** Of the last line, once the tool ended. */
  async packets(): Promise<number> {
    await this.#closed;
    const last = this.all().at(-1);
    if (!last || !("packets" in last)) throw new Error(`A flow ended with ${this.#text.slice(-200)}.`);
    return last.packets;
  }
}
