import type { IncomingMessage, RequestListener } from "node:http";
import { CLOSE, type Link } from "@onehop/core";
import { certificatesIn, fingerprintOf } from "@onehop/pki";
import type { Clock, Store } from "@onehop/store";
import type { Logger } from "pino";
import type { Random } from "../handlers/handler.ts";
import { Certificates } from "./certificates.ts";
import { Doorman } from "./doorman.ts";
import { type Keyring, NO_KEYS } from "./keyring.ts";
import { serveRenewals } from "./renewal.ts";

export interface GateOptions {
  readonly store: Store;
  readonly keyring: Keyring | undefined;
  readonly clock: Clock;
  /** Milliseconds since the epoch. */
  readonly wall: () => number;
  readonly random: Random;
  readonly signal: AbortSignal;
  readonly logger: Logger;
}

/** What stands before the streams: who may open which. */
export interface Gate {
  /** Requests that are no streams. */
  readonly serve: RequestListener;
  readonly doorman: Doorman;
  /** Whether another controller may open this stream; one that may not is closed. */
  member(link: Link, request: IncomingMessage): boolean;
}

/** Resolves when it is known which certificates are good. */
export async function openGate({ store, keyring, clock, wall, random, signal, logger }: GateOptions): Promise<Gate> {
  const onError = (error: unknown) =>
    logger.warn({ err: error }, "The hosts' certificates cannot be followed; it is tried again.");
  const certificates = await Certificates.open({ store, clock, signal, onError });
  let trusted: ReadonlySet<string> = new Set();
  keyring?.use(({ bundle }) => {
    trusted = new Set(certificatesIn(bundle).map(fingerprintOf));
  });
  const doorman = new Doorman({
    certificates,
    trusted: () => trusted,
    clock,
    wall,
    signal,
    onRefused: (host, problem) => logger.warn({ host, problem }, "A host was refused."),
  });
  const context = () => ({ store, keys: keyring?.keys ?? NO_KEYS, random, wall });
  return {
    serve: serveRenewals({ doorman, context, logger }),
    doorman,
    member(link, request) {
      const problem = doorman.refusesMember(request);
      if (problem === undefined) return true;
      logger.warn({ problem, from: request.socket.remoteAddress }, "A controller was refused.");
      link.close(CLOSE.refused);
      return false;
    },
  };
}
