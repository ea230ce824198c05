import { inNamespace, run } from "@onehop/lab";
import type { BenchPath } from "../paths/path.ts";
import { serve, toolPath } from "../tools.ts";
import { CPU } from "./processors.ts";

const PORT = "5302";

/** TCP connections opened, accepted and ended in a second. */
export async function connections({ from, to, address }: BenchPath, seconds: number): Promise<number> {
  const tool = await toolPath("connect");
  const server = await serve(to, [tool, "accept", CPU.receiver, address, PORT]);
  try {
    const open = [tool, "open", CPU.sender, address, PORT, String(seconds)];
    const { connections, ns } = JSON.parse(await run(inNamespace(from, open))) as { connections: number; ns: number };
    return connections / (ns / 1e9);
  } finally {
    await server.kill();
  }
}
