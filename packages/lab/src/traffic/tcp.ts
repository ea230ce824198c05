import { Child } from "../system/child.ts";
import { inNamespace, tryRun } from "../system/run.ts";

export interface TcpOptions {
  readonly from: string;
  readonly to: string;
  /** Of the receiver. */
  readonly address: string;
  /** Either for so long, or so many bytes. */
  readonly seconds?: number;
  readonly bytes?: number;
}

/** Bits per second that arrived (iperf3, one stream), or undefined where the connection failed. */
export async function tcpThroughput(options: TcpOptions): Promise<number | undefined> {
  const server = await Child.start({
    name: "iperf3",
    argv: inNamespace(options.to, ["iperf3", "-s", "-1", "-B", options.address, "--forceflush"]),
  });
  try {
    if (!(await listening(server))) return undefined;
    const amount = options.bytes === undefined ? ["-t", String(options.seconds ?? 1)] : ["-n", String(options.bytes)];
    const client = ["iperf3", "-c", options.address, ...amount, "-J", "--connect-timeout", "2000"];
    const { stdout } = await tryRun(inNamespace(options.from, client), {
      timeoutMs: ((options.seconds ?? 1) + 10) * 1000,
    });
    return receivedRate(stdout);
  } finally {
    await server.kill();
  }
}

async function listening(server: Child): Promise<boolean> {
  let said = "";
  return new Promise((done) => {
    server.process.stdout!.on("data", (piece: Buffer) => {
      said += piece.toString();
      if (said.includes("listening")) done(true);
    });
    void server.exited.then(() => done(false));
  });
}

/** Of iperf3's JSON report. */
export function receivedRate(json: string): number | undefined {
  try {
    const report = JSON.parse(json) as { end?: { sum_received?: { bits_per_second?: number } } };
    return report.end?.sum_received?.bits_per_second || undefined;
  } catch {
    return undefined;
  }
}
