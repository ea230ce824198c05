import { chmod, rm } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { Registry } from "prom-client";

/** /metrics and /healthz on a unix socket, for this machine's root. Healthy: the kernel is as the last plan wants it. */
export async function serveLocally(path: string, registry: Registry, healthy: () => boolean): Promise<Server> {
  const server = createServer(async (request, response) => {
    if (request.url === "/healthz") return response.writeHead(healthy() ? 200 : 503).end(healthy() ? "ok\n" : "no\n");
    if (request.url !== "/metrics") return response.writeHead(404).end();
    const text = await registry.metrics();
    return response.writeHead(200, { "content-type": registry.contentType }).end(text);
  });
  await rm(path, { force: true });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(path, resolve);
  });
  await chmod(path, 0o600);
  return server;
}
