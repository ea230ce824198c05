import { createServer, type RequestListener, type Server } from "node:http";
import { createServer as createSecureServer } from "node:https";
import type { ListenOptions } from "node:net";
import type { Keyring } from "../join/keyring.ts";
import { serverTls } from "../join/tls.ts";
import { closeToOthers, makeRoom } from "../unix_socket.ts";

const LOOPBACK = /^(127\.\d+\.\d+\.\d+|localhost|\[?::1\]?)$/;

export interface Listen {
  readonly options: ListenOptions;
  readonly secure: boolean;
}

/** `unix:/path`, `tcp:host:port` or `tls:host:port` as node takes it; throws with a sentence where it is none. */
export function parseListen(address: string): Listen {
  if (address.startsWith("unix:/")) return { options: { path: address.slice(5) }, secure: false };
  const [, kind, host, port] = /^(tcp|tls):(.+):(\d{1,5})$/.exec(address) ?? [];
  if (!host || !port) throw new Error(`${address} is no address: use unix:/path, tcp:host:port or tls:host:port.`);
  // Without certificates whoever reaches the port could act as any host.
  if (kind === "tcp" && !LOOPBACK.test(host))
    throw new Error(
      `${address}: without TLS agents are served on a unix socket or on loopback only; use tls:host:port.`,
    );
  return { options: { host: host.replace(/^\[|\]$/g, ""), port: Number(port) }, secure: kind === "tls" };
}

export interface ListenWith {
  /** For `tls:`. */
  readonly keyring?: Keyring | undefined;
  /** Requests that are no streams. */
  readonly serve?: RequestListener;
}

const nothing: RequestListener = (_request, response) => response.writeHead(404).end();

/**
 * An HTTP server at the address. A unix socket is for root only, and one that somebody serves is not taken away. With TLS
 * clients may show a certificate; what it is good for is the doorman's to say.
 */
export async function listen(address: string, { keyring, serve = nothing }: ListenWith = {}): Promise<Server> {
  const { options, secure } = parseListen(address);
  if (options.path) await makeRoom(options.path);
  const server = secure ? secureServer(address, keyring, serve) : createServer(serve);
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options, resolve);
  });
  if (options.path) closeToOthers(options.path);
  return server;
}

function secureServer(address: string, keyring: Keyring | undefined, serve: RequestListener): Server {
  if (!keyring) throw new Error(`${address}: TLS takes certificates; name their folder with --pki.`);
  const server = createSecureServer(serverTls(keyring.keys, "ask for certificates"), serve);
  keyring.use((keys) => server.setSecureContext(serverTls(keys, "ask for certificates")));
  return server;
}
