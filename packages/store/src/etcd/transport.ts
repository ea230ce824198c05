import { isIP } from "node:net";
import { checkServerIdentity } from "node:tls";
import {
  type ChannelCredentials,
  Client,
  type ClientDuplexStream,
  credentials,
  Metadata,
  type MethodDefinition,
  type ServiceDefinition,
} from "@grpc/grpc-js";
import { storeError } from "./errors.ts";
import type { Duplex, Unary } from "./messages.ts";
import { etcdPackage } from "./proto.ts";

const CHANNEL = {
  "grpc.use_local_subchannel_pool": 1,
  "grpc.initial_reconnect_backoff_ms": 50,
  "grpc.max_reconnect_backoff_ms": 500,
  // A server that was frozen or cut off is noticed although nothing is sent; etcd allows a ping every 5 s.
  "grpc.keepalive_time_ms": 10_000,
  "grpc.keepalive_timeout_ms": 3_000,
  // The listing of a region is larger than gRPC's 4 MB.
  "grpc.max_receive_message_length": -1,
} as const;

/** RFC 6066 forbids an IP address as the name that a client asks for; `credentialsOf` compares with the addresses. */
const NAMELESS = { "grpc.ssl_target_name_override": "store" } as const;

/** With what a store behind TLS is reached; all PEM. */
export interface StoreTls {
  /** The authorities of its servers' certificates. */
  readonly ca: string;
  /** Of this client; may be left out where the store asks for none. */
  readonly certificate?: string;
  readonly key?: string;
}

export interface TransportOptions {
  readonly deadlineMs: number;
  readonly tls?: StoreTls | undefined;
}

/** Calls to etcd over one connection that is made again when it breaks; a list of addresses is tried in turn. */
export class Transport {
  readonly #client: Client;
  readonly #deadlineMs: number;

  /** `addresses`: comma-separated `http(s)://ip:port`, or one `http(s)://name:port` or `unix:/path`. */
  constructor(addresses: string, { deadlineMs, tls }: TransportOptions) {
    const { target, secure, names } = targetOf(addresses);
    const options = names.some((n) => isIP(n)) ? { ...CHANNEL, ...NAMELESS } : CHANNEL;
    this.#client = new Client(target, credentialsOf(addresses, secure ? names : undefined, tls), options);
    this.#deadlineMs = deadlineMs;
  }

  /** Waits for the connection within the deadline, so that a short restart of the store is not an error. */
  call<M extends keyof Unary>(method: M, request: Unary[M][0]): Promise<Unary[M][1]> {
    const { path, requestSerialize, responseDeserialize } = definitionOf(method);
    return new Promise((resolve, reject) => {
      this.#client.makeUnaryRequest(
        path,
        requestSerialize,
        responseDeserialize,
        request,
        new Metadata({ waitForReady: true }),
        { deadline: Date.now() + this.#deadlineMs },
        (error, response) => (error ? reject(storeError(error)) : resolve(response as Unary[M][1])),
      );
    });
  }

  /** A stream both ways; without `deadlineMs` it lasts until it breaks or is cancelled. */
  open<M extends keyof Duplex>(method: M, deadlineMs?: number): ClientDuplexStream<Duplex[M][0], Duplex[M][1]> {
    const { path, requestSerialize, responseDeserialize } = definitionOf(method);
    const deadline = deadlineMs === undefined ? Number.POSITIVE_INFINITY : Date.now() + deadlineMs;
    const stream = this.#client.makeBidiStreamRequest(
      path,
      requestSerialize,
      responseDeserialize,
      new Metadata({ waitForReady: true }),
      { deadline },
    );
    // The reader learns of errors by reading; one after it has left concerns nobody.
    stream.on("error", () => {});
    return stream as ClientDuplexStream<Duplex[M][0], Duplex[M][1]>;
  }

  /** Sends one message on a stream of its own and answers the first that comes back. */
  async ask<M extends keyof Duplex>(method: M, request: Duplex[M][0]): Promise<Duplex[M][1]> {
    const stream = this.open(method, this.#deadlineMs);
    try {
      stream.write(request);
      for await (const response of stream) return response as Duplex[M][1];
      throw new Error(`etcd ended ${method} without an answer`);
    } catch (error) {
      throw storeError(error);
    } finally {
      stream.cancel();
    }
  }

  close(): void {
    this.#client.close();
  }
}

type Definition = MethodDefinition<unknown, unknown>;

function definitionOf(method: keyof Unary | keyof Duplex): Definition {
  const [service, name] = method.split(".") as [string, string];
  return (etcdPackage[`etcdserverpb.${service}`] as ServiceDefinition)[name] as Definition;
}

interface Target {
  /** In gRPC's naming: ipv4:, ipv6:, dns:, unix:. */
  readonly target: string;
  readonly secure: boolean;
  /** Of the servers, without ports. */
  readonly names: readonly string[];
}

function targetOf(addresses: string): Target {
  if (addresses.startsWith("unix:")) return { target: addresses, secure: false, names: [] };
  const urls = addresses.split(",").map(urlOf);
  const secure = urls.every((u) => u.protocol === "https:");
  if (!secure && urls.some((u) => u.protocol === "https:"))
    throw new RangeError(`${addresses}: a list of etcd addresses must be all http or all https`);
  const names = urls.map((u) => u.hostname.replace(/^\[(.*)\]$/, "$1"));
  return { target: listOf(addresses, urls), secure, names };
}

function listOf(addresses: string, urls: readonly URL[]): string {
  const hosts = urls.map((u) => `${u.hostname}:${u.port || "2379"}`);
  if (hosts.every((h) => /^[0-9.]+:\d+$/.test(h))) return `ipv4:${hosts.join(",")}`;
  if (hosts.every((h) => h.startsWith("["))) return `ipv6:${hosts.join(",")}`;
  if (hosts.length === 1) return `dns:${hosts[0]}`;
  throw new RangeError(`${addresses}: a list of etcd addresses must be all IPv4 or all IPv6, not names`);
}

function urlOf(address: string): URL {
  const url = URL.canParse(address.trim()) ? new URL(address.trim()) : undefined;
  if (!url || !/^https?:$/.test(url.protocol) || !url.hostname)
    throw new RangeError(`${address}: an etcd address looks like http://127.0.0.1:2379, https://… or unix:/path`);
  return url;
}

/** A member is known by any of the addresses that were given: which one is dialled is gRPC's choice. */
function credentialsOf(
  addresses: string,
  names: readonly string[] | undefined,
  tls: StoreTls | undefined,
): ChannelCredentials {
  if (!names && tls) throw new RangeError(`${addresses}: with an authority and certificates, addresses are https://…`);
  if (!names) return credentials.createInsecure();
  if (!tls) throw new RangeError(`${addresses}: https takes the authority of the store's certificates`);
  const { ca, certificate, key } = tls;
  const bytes = (text: string | undefined) => (text === undefined ? null : Buffer.from(text));
  return credentials.createSsl(Buffer.from(ca), bytes(key), bytes(certificate), {
    checkServerIdentity: (_host, presented) => {
      const problems = names.map((name) => checkServerIdentity(name, presented));
      return problems.some((p) => p === undefined) ? undefined : problems[0];
    },
  });
}
