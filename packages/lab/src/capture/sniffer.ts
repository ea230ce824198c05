import { packet } from "@onehop/core";
import { Child } from "../system/child.ts";
import { inNamespace } from "../system/run.ts";
import { type Captured, PcapReader } from "./pcap.ts";

/** A packet as it passed a device. */
export interface Seen {
  /** Towards this namespace, or out of it. */
  readonly direction: "in" | "out";
  /** Its device's index; 0 where only one device is listened to. */
  readonly ifindex: number;
  /** Outermost first; on `any` without the Ethernet header, on one device with it. */
  readonly layers: readonly packet.Layer[];
  readonly bytes: Uint8Array;
}

export interface SnifferOptions {
  readonly namespace: string;
  /** `any`: all of the namespace. */
  readonly device: string;
  /** Only what comes in. */
  readonly inward?: true;
  /** In the syntax of pcap-filter(7). */
  readonly filter?: string;
}

/** Bytes kept of each packet: all headers of an encapsulated packet, and enough payload for a marker. */
const SNAP = 256;
const ETHERNET = 1;
const COOKED_V2 = 276;

/** tcpdump in a namespace, its packets decoded as they come. */
export class Sniffer {
  readonly #child: Child;
  readonly #reader = new PcapReader();
  readonly #seen: Seen[] = [];
  #said = "";
  #woken: (() => void) | undefined;

  private constructor(child: Child) {
    this.#child = child;
    child.process.stdout!.on("data", (piece: Buffer) => this.#take(piece));
    child.process.stderr!.on("data", (text: Buffer) => {
      this.#said += text.toString();
      this.#wake();
    });
    child.process.once("close", () => this.#wake());
  }

  /** Resolves when the kernel is delivering packets to it. */
  static async start(options: SnifferOptions): Promise<Sniffer> {
    const argv = ["tcpdump", "-i", options.device, "-n", "-p", "-U", "--immediate-mode", "-s", String(SNAP), "-w", "-"];
    argv.push("-B", "16384", ...(options.inward ? ["-Q", "in"] : []), ...(options.filter ? [options.filter] : []));
    const child = await Child.start({ name: "tcpdump", argv: inNamespace(options.namespace, argv) });
    const sniffer = new Sniffer(child);
    await sniffer.#until("tcpdump to listen", () => sniffer.#said.includes("listening on"));
    return sniffer;
  }

  /** Waits for a packet that passes the test: send one last, and all before it were seen. */
  async sees(test: (seen: Seen) => boolean, timeoutMs = 5_000): Promise<void> {
    await this.#until("a packet in the capture", () => this.#seen.some(test), timeoutMs);
  }

  async end(): Promise<void> {
    if (!this.#child.running) return;
    const closed = new Promise<void>((done) => this.#child.process.once("close", () => done()));
    await this.#child.stop("SIGINT");
    await closed;
  }

  /** Everything it saw, once it ended. Throws where the kernel dropped packets before tcpdump could read them. */
  result(): Seen[] {
    const dropped = Number(/(\d+) packets? dropped by kernel/.exec(this.#said)?.[1] ?? 0);
    if (dropped > 0) throw new Error(`The capture missed ${dropped} packets, so it proves nothing; try again.`);
    return this.#seen;
  }

  #take(piece: Buffer): void {
    for (const record of this.#reader.push(piece)) this.#seen.push(parse(record, this.#reader.linkType));
    this.#wake();
  }

  #wake(): void {
    this.#woken?.();
  }

  async #until(what: string, test: () => boolean, timeoutMs = 10_000): Promise<void> {
    const deadline = Date.now() + timeoutMs;
    while (!test()) {
      if (!this.#child.running) throw new Error(`tcpdump ended: ${this.#said.trim()}`);
      const left = deadline - Date.now();
      if (left <= 0) throw new Error(`Waited ${timeoutMs / 1000} s in vain for ${what}.`);
      await new Promise<void>((done) => {
        const timer = setTimeout(done, left);
        this.#woken = () => {
          clearTimeout(timer);
          done();
        };
      });
    }
  }
}

/** Linux cooked v2: protocol, 2 reserved, ifindex, hardware type (2), packet type (1; 4: outgoing), address (9). */
function parse({ bytes }: Captured, linkType: number | undefined): Seen {
  if (linkType === ETHERNET) return { direction: "in", ifindex: 0, layers: packet.decode(bytes), bytes };
  if (linkType !== COOKED_V2) throw new Error(`A capture of link type ${linkType} is not understood.`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  // Cooked packets have no Ethernet header; one without addresses says how to read the rest.
  const frame = packet.concat([new Uint8Array(12), bytes.subarray(0, 2), bytes.subarray(20)]);
  return {
    direction: bytes[10] === 4 ? "out" : "in",
    ifindex: view.getUint32(4),
    layers: packet.decode(frame).slice(1),
    bytes,
  };
}
