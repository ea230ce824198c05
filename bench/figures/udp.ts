import { inNamespace, run } from "@onehop/lab";
import type { BenchPath } from "../paths/path.ts";
import { serve, toolPath } from "../tools.ts";
import { CPU } from "./processors.ts";

const PORT = "5300";
/** Of payload. */
const BYTES = "64";

interface Count {
  readonly packets: number;
  readonly ns: number;
}

export interface Delivered {
  readonly sent: number;
  readonly received: number;
  readonly seconds: number;
}

/** Sends 64-byte datagrams, `rate` a second (0: as many as go), and counts those that reach the program. */
export async function blast({ from, to, address }: BenchPath, seconds: number, rate = 0): Promise<Delivered> {
  const tool = await toolPath("udp");
  const receiver = await serve(to, [tool, "receive", CPU.receiver, address, PORT]);
  let said = "";
  receiver.process.stdout!.on("data", (piece: Buffer) => {
    said += piece.toString();
  });
  const ended = new Promise<void>((done) => receiver.process.once("close", () => done()));
  try {
    const args = [CPU.sender, address, PORT, BYTES, String(seconds), String(rate)];
    const sent = JSON.parse(await run(inNamespace(from, [tool, "send", ...args]))) as Count;
    await receiver.stop();
    await ended;
    const received = JSON.parse(said) as Count;
    return { sent: sent.packets, received: received.packets, seconds: sent.ns / 1e9 };
  } finally {
    await receiver.kill();
  }
}

/** Thousands of datagrams delivered a second by a sender that does not wait. */
export async function smallPackets(path: BenchPath, seconds: number): Promise<number> {
  const { received, seconds: took } = await blast(path, seconds);
  if (received === 0) throw new Error("no datagram arrived");
  return received / took / 1000;
}
