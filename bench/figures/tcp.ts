import { inNamespace, tryRun } from "@onehop/lab";
import { receivedRate } from "@onehop/lab/traffic/tcp";
import type { BenchPath } from "../paths/path.ts";
import { serve } from "../tools.ts";
import { CPU } from "./processors.ts";

/** Gb/s that arrived over so many streams of one iperf3. */
export async function tcp({ from, to, address }: BenchPath, streams: number, seconds: number): Promise<number> {
  const server = await serve(
    to,
    ["iperf3", "-s", "-1", "-B", address, "-A", CPU.receiver, "--forceflush"],
    "listening",
  );
  try {
    const amount = ["-t", String(seconds), "-P", String(streams), "-A", CPU.sender];
    const client = ["iperf3", "-c", address, ...amount, "-J", "--connect-timeout", "2000"];
    const { stdout } = await tryRun(inNamespace(from, client), { timeoutMs: (seconds + 10) * 1000 });
    const rate = receivedRate(stdout);
    if (rate === undefined) throw new Error("iperf3 got nothing through");
    return rate / 1e9;
  } finally {
    await server.kill();
  }
}
