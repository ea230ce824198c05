import { inNamespace, run } from "@onehop/lab";
import type { BenchPath } from "../paths/path.ts";
import { serve, toolPath } from "../tools.ts";
import { CPU } from "./processors.ts";

const PORT = "5301";

/** Median microseconds from a one-byte question to its answer. */
export async function roundTrip({ from, to, address }: BenchPath, seconds: number): Promise<number> {
  const tool = await toolPath("rtt");
  const server = await serve(to, [tool, "answer", CPU.conversation, address, PORT]);
  try {
    const ask = [tool, "ask", CPU.conversation, address, PORT, String(seconds)];
    return (JSON.parse(await run(inNamespace(from, ask))) as { median_ns: number }).median_ns / 1000;
  } finally {
    await server.kill();
  }
}
