import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import { text } from "node:stream/consumers";
import type { Logger } from "pino";
import { detailOf } from "../http/problem.ts";
import type { Doorman } from "./doorman.ts";
import { type JoinContext, renew } from "./invitations.ts";

export interface RenewalOptions {
  readonly doorman: Doorman;
  readonly context: () => JoinContext;
  readonly logger: Logger;
}

/** Bytes of a body: a certificate request and little else. */
const LONGEST = 8192;

/**
 * What hosts ask besides their streams, at the same server, with the certificate that they have: `GET /agent/authorities`
 * (which they may trust) and `POST /agent/certificate` with a request as the body (the next one). Answers are JSON; a
 * refusal is `{message}`.
 */
export function serveRenewals({ doorman, context, logger }: RenewalOptions): RequestListener {
  const answer = async (request: IncomingMessage): Promise<unknown> => {
    const host = doorman.hostOf(request);
    if (typeof host === "string") throw new Refusal(403, host);
    const asked = `${request.method} ${request.url}`;
    if (asked === "GET /agent/authorities") return { ca: context().keys.bundle };
    if (asked !== "POST /agent/certificate") throw new Refusal(404, "There is nothing here.");
    if (!(Number(request.headers["content-length"]) <= LONGEST)) throw new Refusal(413, "The body is too long.");
    const issued = await renew(host, await text(request), context());
    logger.info({ host: host.id }, "A host's certificate was renewed.");
    return issued;
  };
  return (request, response) => {
    answer(request).then(
      (body) => end(response, 200, body),
      (error: unknown) => {
        const { status, message } = error instanceof Refusal ? error : detailOf(error);
        logger.info({ problem: message, from: request.socket.remoteAddress }, "A host was refused.");
        end(response, status, { message });
      },
    );
  };
}

class Refusal extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

function end(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json", connection: "close" }).end(JSON.stringify(body));
}
