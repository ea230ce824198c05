import { fileURLToPath } from "node:url";
import { type Guest, inNamespace } from "@onehop/lab";
import { Child } from "@onehop/lab/system/child";
import type { ProbeResult } from "./probe.ts";

const PROBE = fileURLToPath(new URL("./probe.ts", import.meta.url));

/** A 1 kHz probe and a paced TCP stream between two guests, until `stop`, which tells what came of them. */
export class Traffic {
  readonly #echo: Child;
  readonly #sender: Child;
  #said = "";

  private constructor(echo: Child, sender: Child) {
    this.#echo = echo;
    this.#sender = sender;
    sender.process.stdout!.on("data", (piece: Buffer) => {
      this.#said += piece.toString();
    });
  }

  static async start(from: Guest, to: Guest): Promise<Traffic> {
    const echo = await startProbe(to, "echo", to);
    return new Traffic(echo, await startProbe(from, "send", to));
  }

  async stop(): Promise<ProbeResult> {
    await this.#sender.stop("SIGTERM", 20_000);
    await this.#echo.kill();
    return JSON.parse(this.#said.trim().split("\n").at(-1)!) as ProbeResult;
  }
}

async function startProbe(where: Guest, mode: "echo" | "send", target: Guest): Promise<Child> {
  const argv = [process.execPath, "--import", "tsx", PROBE, mode, target.addresses[0]!];
  const child = await Child.start({ name: `probe-${mode}`, argv: inNamespace(where.namespace, argv) });
  await saysReady(child);
  return child;
}

const saysReady = (child: Child): Promise<void> =>
  new Promise((done, reject) => {
    let complaint = "";
    child.process.stderr!.on("data", (piece: Buffer) => {
      complaint += piece.toString();
    });
    child.process.stdout!.on("data", function listen(piece: Buffer) {
      if (!piece.toString().includes("ready")) return;
      child.process.stdout!.off("data", listen);
      done();
    });
    void child.exited.then(() => reject(new Error(`${child.name} ended: ${complaint.slice(0, 500)}`)));
  });
