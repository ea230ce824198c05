import { packet } from "@onehop/core";
import { inNamespace, run } from "@onehop/lab";
import { Tool } from "./tool.ts";

type FrameTest = (layers: readonly packet.Layer[], frame: Uint8Array) => boolean;

/** A guest's network card, spoken to frame by frame in place of the guest's kernel. */
export class Nic {
  readonly namespace: string;
  #tool!: Tool;
  #mac = "";
  #frames: Uint8Array[] = [];
  #answers: string[] = [];

  private constructor(namespace: string) {
    this.namespace = namespace;
  }

  /** Takes the address off, so that the guest's own kernel says and answers nothing any more. */
  static async ofGuest(namespace: string): Promise<Nic> {
    await run(["ip", "-n", namespace, "address", "flush", "dev", "eth0"]);
    return Nic.open(namespace, "eth0");
  }

  static async open(namespace: string, device: string): Promise<Nic> {
    await run(inNamespace(namespace, ["ip", "link", "set", "dev", device, "promisc", "on"]));
    const nic = new Nic(namespace);
    nic.#tool = Tool.start(namespace, "./raw.py", [device], (line) => nic.#take(line));
    nic.#mac = (await nic.#answer("ready"))[0]!;
    return nic;
  }

  get mac(): string {
    return this.#mac;
  }

  send(...frames: readonly Uint8Array[]): void {
    for (const frame of frames) this.#tool.say(`send ${hexOf(frame)}`);
  }

  /** Sends the frame so many times, so many a second; resolves when all are out. */
  async flood(frame: Uint8Array, { count, rate }: { count: number; rate: number }): Promise<void> {
    this.#tool.say(`flood ${hexOf(frame)} ${count} ${rate}`);
    await this.#answer("flooded", (1000 * count) / rate + 30_000);
  }

  /** All frames that came, up to the first that passes the test; those are forgotten here. */
  async until(what: string, test: FrameTest, timeoutMs?: number): Promise<Uint8Array[]> {
    let tried = 0;
    const found = (): number | undefined => {
      for (; tried < this.#frames.length; tried++)
        if (test(packet.decode(this.#frames[tried]!), this.#frames[tried]!)) return tried + 1;
      return undefined;
    };
    return this.#frames.splice(0, await this.#tool.until(what, found, timeoutMs));
  }

  /** The frames that came and were not taken yet. Throws where the kernel could not hand over all of them. */
  async rest(): Promise<Uint8Array[]> {
    this.#tool.say("lost");
    const [lost] = await this.#answer("lost");
    if (lost !== "0") throw new Error(`${lost} frames at ${this.namespace} were not seen, so nothing is proven.`);
    return this.#frames.splice(0);
  }

  close(): Promise<void> {
    return this.#tool.stop();
  }

  async #answer(word: string, timeoutMs?: number): Promise<string[]> {
    const line = await this.#tool.until(
      `"${word}"`,
      () => this.#answers.find((answer) => answer.startsWith(`${word} `)),
      timeoutMs,
    );
    this.#answers = this.#answers.filter((answer) => answer !== line);
    return line.split(" ").slice(1);
  }

  #take(line: string): void {
    if (line.startsWith("in ")) this.#frames.push(Uint8Array.from(Buffer.from(line.slice(3), "hex")));
    else this.#answers.push(line);
  }
}

const hexOf = (frame: Uint8Array): string => Buffer.from(frame).toString("hex");
