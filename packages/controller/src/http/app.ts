import type { Route } from "@onehop/api";
import type { Clock, Store } from "@onehop/store";
import type { FastifyBaseLogger, FastifyReply, FastifyRequest } from "fastify";
import type { Registry } from "prom-client";
import type { Leases } from "../allocate/leases.ts";
import type { Writer } from "../api/writer.ts";
import type { Caller } from "../auth/caller.ts";
import type { Sentry } from "../epoch/sentry.ts";
import type { Context, Limits, Random } from "../handlers/handler.ts";
import type { Followed } from "../handlers/recent.ts";
import type { JoinContext } from "../join/invitations.ts";
import type { Keyring } from "../join/keyring.ts";
import type { Agents } from "../look/agents.ts";
import type { StatusSource } from "../status_source.ts";
import type { Counted } from "./metrics.ts";

declare module "fastify" {
  interface FastifyRequest {
    /** Who asks; set for every route that not anyone may use. */
    caller: Caller | null;
  }
  interface FastifyContextConfig {
    route?: Route;
  }
}

export interface ServerOptions {
  readonly store: Store;
  /** Says whether the store may be written; without it, it may. */
  readonly sentry?: Sentry;
  /** What metrics count; an IntentView. */
  readonly view: Counted;
  /** What this process knows of the store; missing: the store is asked each time. */
  readonly followed?: Followed;
  readonly status: StatusSource;
  /** Those that serve hosts; without them nobody can be asked. */
  readonly agents?: Agents;
  readonly rotateKey?: App["rotateKey"];
  readonly clock: Clock;
  /** Milliseconds since the epoch, for the times in objects. */
  readonly wall: () => number;
  readonly random: Random;
  readonly logger: FastifyBaseLogger;
  readonly version?: string;
  readonly limits?: Partial<Limits>;
  /** The cluster's keys; without them no host joins here, and `tls:` is not served. */
  readonly keyring?: Keyring | undefined;
  /** Others' metrics to show on /metrics as well. */
  readonly registry?: Registry;
}

/** What the routes share. */
export interface App {
  readonly store: Store;
  readonly writer: Writer;
  readonly sentry: Sentry | undefined;
  readonly status: StatusSource;
  readonly agents: Agents;
  /** Gives a VPC a new key; answers its version. */
  readonly rotateKey: (vpcId: string) => Promise<number>;
  /** 1 to 65535, at random. */
  readonly nonce: () => number;
  readonly clock: Clock;
  readonly version: string;
  /** The server ends: waits are over. */
  readonly closing: AbortSignal;
  readonly contextOf: (caller: Caller) => Context;
  /** Objects by noun as this process knows them; a little behind the store. */
  readonly view: Counted;
  /** Streams that are served now. */
  readonly watches: { open: number };
  /** With what hosts are invited and join. */
  readonly joining: () => JoinContext;
  /** Looked up each time; throws 401 where it is nobody, or nobody any more. */
  readonly whoAsks: (request: FastifyRequest) => Promise<Caller>;
}

export type Serve = (request: FastifyRequest, reply: FastifyReply) => Promise<unknown>;

/** Of a route that demands a caller. */
export function callerIn(request: FastifyRequest): Caller {
  if (!request.caller) throw new Error(`${request.url} is served without a caller`);
  return request.caller;
}

export function makeContext(options: ServerOptions, leases: Leases, limits: Limits): (caller: Caller) => Context {
  const now = () => new Date(options.wall()).toISOString();
  return (caller) => ({ caller, leases, limits, random: options.random, now });
}
