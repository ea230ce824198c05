import { chmod, rm } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { connect } from "node:net";
import type { Registry } from "prom-client";

/**
 * /metrics and /healthz on a unix socket, for this machine's root. Healthy: the kernel is as the last plan wants it.
 * Throws where another agent serves the socket: two on one host would take each other's stream and undo each other's work.
 */
export async function serveLocally(path: string, registry: Registry, healthy: () => boolean): Promise<Server> {
  const server = createServer(async (request, response) => {
    if (request.url === "/healthz") return response.writeHead(healthy() ? 200 : 503).end(healthy() ? "ok\n" : "no\n");
    if (request.url !== "/metrics") return response.writeHead(404).end();
    const text = await registry.metrics();
    return response.writeHead(200, { "content-type": registry.contentType }).end(text);
  });
  await mustBeAlone(path);
  await rm(path, { force: true });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(path, resolve);
  });
  await chmod(path, 0o600);
  return server;
}

function mustBeAlone(path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const probe = connect(path);
    probe.once("error", () => resolve());
    probe.once("connect", () => {
      probe.destroy();
      reject(new Error(`${path} is served already: an agent works on this state folder.`));
    });
  });
}
