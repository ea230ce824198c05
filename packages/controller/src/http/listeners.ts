import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, ListenOptions } from "node:net";
import { closeToOthers, makeRoom } from "../unix_socket.ts";

/** Milliseconds that a client has to send a whole request. */
const REQUEST_TIMEOUT_MS = 30_000;
/** Milliseconds that a request under way has to end when the server closes. */
const GRACE_MS = 2000;

type Routing = (request: IncomingMessage, response: ServerResponse) => void;

/** The sockets that one API is served on. Who comes by a unix socket is root: only root can open it. */
export class Listeners {
  readonly #servers = new Set<Server>();
  readonly #local = new WeakSet<IncomingMessage>();
  readonly #routing: Routing;

  constructor(routing: Routing) {
    this.#routing = routing;
  }

  isRoot(request: IncomingMessage): boolean {
    return this.#local.has(request);
  }

  /** `unix:/path` or `tcp:host:port`. Answers the client's url, with the port that was chosen for 0. */
  async listen(address: string): Promise<string> {
    const path = /^unix:(\/.+)$/.exec(address)?.[1];
    const tcp = /^tcp:(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(address);
    if (path) return this.#listenLocal(path);
    if (tcp) return this.#listenTcp((tcp[1] ?? tcp[2])!, Number(tcp[3]));
    throw new TypeError(`not an address to listen on: ${address}; it is unix:/path or tcp:host:port`);
  }

  async #listenLocal(path: string): Promise<string> {
    await makeRoom(path);
    await this.#bind({ path }, (request) => this.#local.add(request));
    closeToOthers(path);
    return `unix:${path}`;
  }

  async #listenTcp(host: string, port: number): Promise<string> {
    const server = await this.#bind({ host, port }, () => {});
    const bound = (server.address() as AddressInfo).port;
    return `http://${host.includes(":") ? `[${host}]` : host}:${bound}`;
  }

  #bind(options: ListenOptions, mark: (request: IncomingMessage) => void): Promise<Server> {
    const server = createServer({ requestTimeout: REQUEST_TIMEOUT_MS }, (request, response) => {
      mark(request);
      this.#routing(request, response);
    });
    return new Promise((resolve, reject) => {
      server.once("error", reject);
      server.listen(options, () => {
        server.off("error", reject);
        this.#servers.add(server);
        resolve(server);
      });
    });
  }

  /** Takes no more connections, and ends those on which nothing is under way. */
  async close(): Promise<void> {
    await Promise.all([...this.#servers].map(closed));
    this.#servers.clear();
  }
}

const closed = (server: Server): Promise<void> =>
  new Promise((resolve) => {
    const cut = setTimeout(() => server.closeAllConnections(), GRACE_MS);
    server.close(() => {
      clearTimeout(cut);
      resolve();
    });
    server.closeIdleConnections();
  });
