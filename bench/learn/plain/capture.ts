import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inNamespace } from "@onehop/lab";
import { Child } from "@onehop/lab/system/child";
import { saysReady } from "../../tools.ts";

/** What passes an uplink: encapsulated packets and learning's messages. */
export const OVERLAY = "udp dst port 4789 or udp dst port 4797";
/** Only what goes by a hub (the last byte of the VXLAN header), and messages. */
export const RELAYED = "(udp dst port 4789 and udp[15] != 0) or udp dst port 4797";

export interface Frame {
  /** Nanoseconds of the wall clock, by the kernel. */
  readonly ns: bigint;
  readonly bytes: Buffer;
}

/** All headers of an encapsulated UDP packet and what pairs.c writes behind them; and a message whole. */
const SNAP = 192;
/** Of the kernel's ring, KiB. */
const RING = 65_536;

/** tcpdump into a file, so that nothing but the kernel works while packets go. */
export class Capture {
  readonly #child: Child;
  readonly #folder: string;
  #said = "";

  private constructor(child: Child, folder: string) {
    this.#child = child;
    this.#folder = folder;
    child.process.stderr!.on("data", (text: Buffer) => {
      this.#said += text.toString();
    });
  }

  static async start(namespace: string, device: string, filter: string): Promise<Capture> {
    const folder = mkdtempSync(join(tmpdir(), "onehop-learn-"));
    // Immediate: else what came in the last second is lost with the process.
    const how = ["-n", "-p", "--immediate-mode", "--time-stamp-precision=nano", "-s", String(SNAP), "-B", String(RING)];
    const argv = ["tcpdump", "-i", device, ...how, "-Z", "root", "-w", join(folder, "pcap"), filter];
    const child = await Child.start({ name: "tcpdump", argv: inNamespace(namespace, argv) });
    const capture = new Capture(child, folder);
    await saysReady(child, "listening on");
    return capture;
  }

  /** Everything it saw. Throws where the kernel had no room for all of it. */
  async end(): Promise<Frame[]> {
    const closed = new Promise<void>((done) => this.#child.process.once("close", () => done()));
    await this.#child.stop("SIGINT", 20_000);
    await closed;
    try {
      const dropped = Number(/(\d+) packets? dropped by kernel/.exec(this.#said)?.[1] ?? 0);
      if (dropped > 0) throw new Error(`The capture missed ${dropped} packets, so it proves nothing.`);
      return [...frames(readFileSync(join(this.#folder, "pcap")))];
    } finally {
      rmSync(this.#folder, { recursive: true, force: true });
    }
  }
}

const MAGIC_NANO = 0xa1b23c4d;

/** Records of a pcap file of nanoseconds, in this machine's byte order. */
export function* frames(file: Buffer): Generator<Frame> {
  if (file.readUInt32LE(0) !== MAGIC_NANO) throw new Error("This is not a pcap file of nanoseconds.");
  for (let at = 24; at + 16 <= file.length; ) {
    const length = file.readUInt32LE(at + 8);
    const ns = BigInt(file.readUInt32LE(at)) * 1_000_000_000n + BigInt(file.readUInt32LE(at + 4));
    yield { ns, bytes: file.subarray(at + 16, at + 16 + length) };
    at += 16 + length;
  }
}
