import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createSecureServer } from "node:https";
import type { AddressInfo, ListenOptions } from "node:net";
import type { Keyring } from "../join/keyring.ts";
import { serverTls } from "../join/tls.ts";
import { closeToOthers, makeRoom } from "../unix_socket.ts";

/** Milliseconds that a client has to send a whole request. */
const REQUEST_TIMEOUT_MS = 30_000;
/** Milliseconds that a request under way has to end when the server closes. */
const GRACE_MS = 2000;

const OPTIONS = { requestTimeout: REQUEST_TIMEOUT_MS };

type Routing = (request: IncomingMessage, response: ServerResponse) => void;

/** The sockets that one API is served on. Who comes by a unix socket is root: only root can open it. */
export class Listeners {
  readonly #servers = new Set<Server>();
  readonly #local = new WeakSet<IncomingMessage>();
  readonly #routing: Routing;
  readonly #keyring: Keyring | undefined;

  constructor(routing: Routing, keyring?: Keyring) {
    this.#routing = routing;
    this.#keyring = keyring;
  }

  isRoot(request: IncomingMessage): boolean {
    return this.#local.has(request);
  }

  /** `unix:/path`, `tcp:host:port` or `tls:host:port`. Answers the client's url, with the port that was chosen for 0. */
  async listen(address: string): Promise<string> {
    const path = /^unix:(\/.+)$/.exec(address)?.[1];
    const tcp = /^(tcp|tls):(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(address);
    if (path) return this.#listenLocal(path);
    if (tcp) return this.#listenTcp((tcp[2] ?? tcp[3])!, Number(tcp[4]), tcp[1] === "tls" ? "https" : "http");
    throw new TypeError(`not an address to listen on: ${address}; it is unix:/path, tcp:host:port or tls:host:port`);
  }

  async #listenLocal(path: string): Promise<string> {
    await makeRoom(path);
    const server = createServer(OPTIONS, (request, response) => {
      this.#local.add(request);
      this.#routing(request, response);
    });
    await this.#bind(server, { path });
    closeToOthers(path);
    return `unix:${path}`;
  }

  async #listenTcp(host: string, port: number, scheme: "http" | "https"): Promise<string> {
    const server = scheme === "https" ? this.#secureServer() : createServer(OPTIONS, this.#routing);
    await this.#bind(server, { host, port });
    const bound = (server.address() as AddressInfo).port;
    return `${scheme}://${host.includes(":") ? `[${host}]` : host}:${bound}`;
  }

  #secureServer(): Server {
    const keyring = this.#keyring;
    if (!keyring) throw new TypeError("TLS takes certificates; name their folder with --pki");
    const server = createSecureServer({ ...OPTIONS, ...serverTls(keyring.keys, "ask nothing") }, this.#routing);
    keyring.use((keys) => server.setSecureContext(serverTls(keys, "ask nothing")));
    return server;
  }

  #bind(server: Server, options: ListenOptions): Promise<void> {
    return new Promise((resolve, reject) => {
      server.once("error", reject);
      server.listen(options, () => {
        server.off("error", reject);
        this.#servers.add(server);
        resolve();
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
