import { spawn } from "node:child_process";
import { inNamespace } from "@onehop/lab";
import { toolPath } from "../../tools.ts";

/** Sends IPv4 packets as they are. Resolves when the last one has left the namespace. */
export async function sendRaw(namespace: string, packets: readonly Uint8Array[]): Promise<void> {
  const records = packets.map((p) => Buffer.concat([Buffer.of(p.length >> 8, p.length & 255), p]));
  const [file, ...args] = inNamespace(namespace, [await toolPath("raw"), "0"]);
  const child = spawn(file!, args, { stdio: ["pipe", "ignore", "pipe"] });
  let complaint = "";
  child.stderr.on("data", (text: Buffer) => {
    complaint += text.toString();
  });
  const code = await new Promise<number | null>((done, reject) => {
    child.once("close", done).once("error", reject);
    child.stdin.on("error", reject);
    child.stdin.end(Buffer.concat(records));
  });
  if (code !== 0) throw new Error(`Packets could not be sent: ${complaint.trim() || `it ended with ${code}`}`);
}
