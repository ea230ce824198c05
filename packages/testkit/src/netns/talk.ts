import { Tool } from "./tool.ts";

/** Where a program of a guest listens. */
export interface Listener {
  readonly namespace: string;
  readonly address: string;
}
const PORT = 7000;

/** Bytes and their SHA-256, as one end knows them. */
export interface Amount {
  readonly bytes: number;
  readonly sha256: string;
}
const amount = ([bytes, sha256]: string[]): Amount => ({ bytes: Number(bytes), sha256: sha256! });

/** Answers every TCP stream and every UDP datagram with what it gets. */
export async function echoServer({ namespace, address }: Listener): Promise<Tool> {
  const server = Tool.start(namespace, "./talk.py", ["echo", address, `${PORT}`]);
  await server.hears("ready");
  return server;
}

/** segments: UDP datagrams that the guest's kernel sends as one super-packet; some 60 at most at a time. */
export type FlowKind = "tcp" | "udp" | "segments";

/** One flow to an echo server; it stays the same flow until it is closed. */
export class Flow {
  readonly #tool: Tool;
  private constructor(tool: Tool) {
    this.#tool = tool;
  }
  static async open(kind: FlowKind, from: string, to: string): Promise<Flow> {
    const tool = Tool.start(from, "./talk.py", ["ask", kind, to, `${PORT}`]);
    await tool.hears("ready");
    return new Flow(tool);
  }
  /** Round trips that came back, of so many. */
  async ask(count: number): Promise<number> {
    this.#tool.say(String(count));
    return Number((await this.#tool.hears("answered", 30_000))[0]);
  }
  close(): Promise<void> {
    return this.#tool.stop();
  }
}

/** Round trips that came back, of so many, on a flow of their own. */
export async function roundTrips(kind: FlowKind, from: string, to: string, count = 20): Promise<number> {
  const flow = await Flow.open(kind, from, to);
  try {
    return await flow.ask(count);
  } finally {
    await flow.close();
  }
}

export interface Paced {
  readonly sent: number;
  readonly answered: number;
}

/** Asks a thousand times a second while `during` runs. */
export async function paced(from: string, to: string, during: () => Promise<void>): Promise<Paced> {
  const tool = Tool.start(from, "./talk.py", ["pace", to, `${PORT}`]);
  try {
    await tool.hears("ready");
    await during();
    tool.say("end");
    const [sent, answered] = (await tool.hears("paced")).map(Number);
    return { sent: sent!, answered: answered! };
  } finally {
    await tool.stop();
  }
}

/** A TCP stream of random bytes: what was sent, and what arrived. */
export async function transfer(from: string, to: Listener, bytes: number): Promise<{ sent: Amount; got: Amount }> {
  const server = Tool.start(to.namespace, "./talk.py", ["serve", to.address, `${PORT + 1}`]);
  const client = await server
    .hears("ready")
    .then(() => Tool.start(from, "./talk.py", ["send", to.address, `${PORT + 1}`, `${bytes}`]));
  try {
    const sent = amount(await client.hears("sent", 30_000));
    return { sent, got: amount(await server.hears("got")) };
  } finally {
    await client.stop();
    await server.stop();
  }
}

/** A UDP datagram in each of so many flows. */
export async function manyFlows(from: string, to: string, count: number): Promise<void> {
  const tool = Tool.start(from, "./talk.py", ["flows", to, `${count}`]);
  await tool.hears("flows", 30_000);
  await tool.stop();
}
