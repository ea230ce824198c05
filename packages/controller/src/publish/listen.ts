import { createServer, type Server } from "node:http";
import type { ListenOptions } from "node:net";
import { closeToOthers, makeRoom } from "../unix_socket.ts";

const LOOPBACK = /^(127\.\d+\.\d+\.\d+|localhost|\[?::1\]?)$/;

/** `unix:/path` or `tcp:host:port` as node takes it; throws with a sentence where it is neither. */
export function parseListen(address: string): ListenOptions {
  if (address.startsWith("unix:/")) return { path: address.slice(5) };
  const [, host, port] = /^tcp:(.+):(\d{1,5})$/.exec(address) ?? [];
  if (!host || !port) throw new Error(`${address} is no address: use unix:/path or tcp:host:port.`);
  // Streams carry no credentials yet: whoever reaches the port could act as any host.
  if (!LOOPBACK.test(host)) throw new Error(`${address}: agents are served on a unix socket or on loopback only.`);
  return { host: host.replace(/^\[|\]$/g, ""), port: Number(port) };
}

/** An HTTP server at the address; a unix socket is for root only, and one that somebody serves is not taken away. */
export async function listen(address: string): Promise<Server> {
  const options = parseListen(address);
  if (options.path) await makeRoom(options.path);
  const server = createServer((_request, response) => response.writeHead(404).end());
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options, resolve);
  });
  if (options.path) closeToOthers(options.path);
  return server;
}
