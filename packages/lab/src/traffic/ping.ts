import { inNamespace, tryRun } from "../system/run.ts";

export interface PingOptions {
  readonly namespace: string;
  readonly to: string;
  readonly count: number;
  /** Written into every packet, 16 bytes at most. */
  readonly marker?: string;
  readonly intervalMs?: number;
}

export interface PingResult {
  readonly sent: number;
  readonly received: number;
  /** Mean; undefined where nothing came back. */
  readonly rttUs: number | undefined;
  /** TTLs of the replies, each once. */
  readonly ttls: readonly number[];
}

export async function ping(options: PingOptions): Promise<PingResult> {
  const argv = ["ping", "-n", "-c", String(options.count), "-i", String((options.intervalMs ?? 10) / 1000), "-W", "1"];
  if (options.marker) argv.push("-p", Buffer.from(options.marker).toString("hex"));
  const { stdout } = await tryRun(inNamespace(options.namespace, [...argv, options.to]), { timeoutMs: 60_000 });
  return parsePing(stdout);
}

/** The output of iputils' ping. */
export function parsePing(text: string): PingResult {
  const counts = /(\d+) packets transmitted, (\d+) received/.exec(text);
  const rtt = /^rtt [^=]*= [\d.]+\/([\d.]+)\//m.exec(text);
  return {
    sent: Number(counts?.[1] ?? 0),
    received: Number(counts?.[2] ?? 0),
    rttUs: rtt ? Math.round(Number(rtt[1]) * 1000) : undefined,
    ttls: [...new Set([...text.matchAll(/\bttl=(\d+)/g)].map((m) => Number(m[1])))],
  };
}
