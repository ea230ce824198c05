import {
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

/** Calls to etcd over one connection that is made again when it breaks; a list of addresses is tried in turn. */
export class Transport {
  readonly #client: Client;
  readonly #deadlineMs: number;

  /** `addresses`: comma-separated `http://ip:port`, or one `http://name:port` or `unix:/path`. */
  constructor(addresses: string, deadlineMs: number) {
    this.#client = new Client(targetOf(addresses), credentials.createInsecure(), CHANNEL);
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

/** The addresses as a target of grpc-js (gRPC's naming: ipv4:, ipv6:, dns:, unix:). */
function targetOf(addresses: string): string {
  if (addresses.startsWith("unix:")) return addresses;
  const hosts = addresses.split(",").map(hostOf);
  if (hosts.every((h) => /^[0-9.]+:\d+$/.test(h))) return `ipv4:${hosts.join(",")}`;
  if (hosts.every((h) => h.startsWith("["))) return `ipv6:${hosts.join(",")}`;
  if (hosts.length === 1) return `dns:${hosts[0]}`;
  throw new RangeError(`${addresses}: a list of etcd addresses must be all IPv4 or all IPv6, not names`);
}

function hostOf(address: string): string {
  const url = URL.canParse(address.trim()) ? new URL(address.trim()) : undefined;
  if (url?.protocol !== "http:" || !url.hostname)
    throw new RangeError(`${address}: an etcd address looks like http://127.0.0.1:2379 or unix:/path`);
  return `${url.hostname}:${url.port || "2379"}`;
}
