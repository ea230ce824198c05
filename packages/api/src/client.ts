import http from "node:http";
import https from "node:https";
import { type Intent, OnehopError, type Status } from "@onehop/core";
import { NDJSON } from "./media.ts";

/** What comes back. Refusals are thrown as OnehopError, a server that cannot be reached as Unreachable. */
export interface Answer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  /** Parsed JSON; text where the answer is none; undefined where it has no body. */
  readonly body: unknown;
}

export interface ClientOptions {
  /** `unix:/path`, `http://host:port` or `https://host:port`. */
  readonly url: string;
  readonly token?: string;
  /** Of https: PEM of the authorities to trust, instead of those of Node.js. */
  readonly ca?: string;
  /** Milliseconds without a byte after which the server counts as unreachable; longer than any wait. */
  readonly timeoutMs?: number;
  /** As `timeoutMs`, of a stream; longer than a server keeps quiet. */
  readonly quietMs?: number;
}

/** A capture may wait for its first packet for as long as a capture may last. */
const FILE_QUIET_MS = 330_000;

/** A file that comes in pieces. */
export interface Download {
  readonly pieces: AsyncIterable<Uint8Array>;
  /** Once all pieces have come: what the server says of the whole. */
  readonly trailers: () => Readonly<Record<string, string | undefined>>;
}

export type Headers = Readonly<Record<string, string>>;
export type Query = Readonly<Record<string, string | number | readonly string[] | undefined>>;

/** No answer came: nobody listens, or the line broke. Whether a write was done is unknown; retry it with the same key or id. */
export class Unreachable extends Error {
  readonly url: string;
  constructor(url: string, cause: unknown) {
    super(`The API at ${url} cannot be reached: ${cause instanceof Error ? cause.message : String(cause)}.`, { cause });
    this.name = "Unreachable";
    this.url = url;
  }
}

type Collection = Exclude<keyof Intent, "revision">;
/** An object as the API answers it. */
export type Answered<C extends Collection> =
  Intent[C] extends ReadonlyMap<string, infer T> ? T & { readonly status: Status } : never;

interface Page {
  readonly items: readonly unknown[];
  readonly next_page_token?: string;
}

/** A thin client of the REST API. */
export class Client {
  readonly #options: ClientOptions;
  readonly #target: http.RequestOptions;
  readonly #agent: http.Agent;
  readonly #module: typeof http | typeof https;

  constructor(options: ClientOptions) {
    this.#options = options;
    this.#target = { ...targetOf(options.url), ...(options.ca ? { ca: options.ca } : {}) };
    this.#module = options.url.startsWith("https:") ? https : http;
    this.#agent = new this.#module.Agent({ keepAlive: true, maxSockets: 64 });
  }

  /** One request. `path` starts with a slash and may have a query. */
  async request(method: string, path: string, body?: unknown, headers: Headers = {}): Promise<Answer> {
    const payload = body === undefined ? undefined : Buffer.from(JSON.stringify(body));
    const answer = await this.#send({ method, path, headers: this.#headers(method, payload, headers) }, payload);
    if (answer.status >= 400) throw refusalOf(answer);
    return answer;
  }

  /** All objects of a noun that the filter lets through, page by page, at one revision. */
  async list<C extends Collection>(plural: C, filter: Query = {}): Promise<Answered<C>[]> {
    const found: Answered<C>[] = [];
    let page_token: string | undefined;
    do {
      const query = queryText({ limit: 1000, ...filter, page_token });
      const page = (await this.request("GET", `/v1/${plural}${query}`)).body as Page;
      found.push(...(page.items as Answered<C>[]));
      page_token = page.next_page_token;
    } while (page_token);
    return found;
  }

  async get<C extends Collection>(plural: C, id: string): Promise<Answered<C>> {
    return (await this.request("GET", pathOf(plural, id))).body as Answered<C>;
  }

  async create<C extends Collection>(plural: C, body: object, headers?: Headers): Promise<Answered<C>> {
    return (await this.request("POST", `/v1/${plural}`, body, headers)).body as Answered<C>;
  }

  /** Merge patch (RFC 7396). With `headers: ifMatch(object)` refused where somebody else changed it meanwhile. */
  async patch<C extends Collection>(plural: C, id: string, patch: object, headers?: Headers): Promise<Answered<C>> {
    return (await this.request("PATCH", pathOf(plural, id), patch, headers)).body as Answered<C>;
  }

  async delete(plural: Collection, id: string, headers?: Headers): Promise<void> {
    await this.request("DELETE", pathOf(plural, id), undefined, headers);
  }

  /**
   * The texts of a stream of JSON lines, such as a watch, until it ends or the signal aborts. Throws OnehopError where the
   * stream is refused, and Unreachable where it breaks.
   */
  async *lines(path: string, signal: AbortSignal, headers: Headers = {}): AsyncGenerator<unknown, void> {
    const response = await this.#open({
      path,
      headers: this.#headers("GET", undefined, { accept: NDJSON, ...headers }),
      signal,
    });
    if (!response) return;
    try {
      response.setEncoding("utf8");
      let rest = "";
      for await (const chunk of response) {
        const lines = (rest + chunk).split("\n");
        rest = lines.pop()!;
        for (const line of lines) if (line !== "") yield JSON.parse(line);
      }
    } catch (error) {
      if (!signal.aborted) throw new Unreachable(this.#options.url, error);
    } finally {
      response.destroy();
    }
  }

  /**
   * A file that the API makes as one reads, such as a capture. An aborted signal ends it in good order. Throws
   * OnehopError where it is refused; reading throws Unreachable where the line breaks.
   */
  async file(path: string, body: unknown, signal: AbortSignal): Promise<Download> {
    const payload = Buffer.from(JSON.stringify(body));
    const headers = this.#headers("POST", payload, {});
    const response = await this.#open({ method: "POST", path, headers, signal, timeout: FILE_QUIET_MS }, payload);
    return { pieces: this.#pieces(response, signal), trailers: () => response?.trailers ?? {} };
  }

  async *#pieces(response: http.IncomingMessage | undefined, signal: AbortSignal): AsyncGenerator<Buffer, void> {
    try {
      for await (const piece of response ?? []) yield piece;
    } catch (error) {
      if (!signal.aborted) throw new Unreachable(this.#options.url, error);
    } finally {
      response?.destroy();
    }
  }

  /** The object when it is realised, or as it is after `timeoutS` seconds. */
  async wait<C extends Collection>(plural: C, id: string, timeoutS: number): Promise<Answered<C>> {
    const query = queryText({ wait_for: "realised", timeout_s: timeoutS });
    return (await this.request("GET", `${pathOf(plural, id)}${query}`)).body as Answered<C>;
  }

  /** Ends the connections that are kept open between requests. */
  close(): void {
    this.#agent.destroy();
  }

  #headers(method: string, payload: Buffer | undefined, extra: Headers): Record<string, string | number> {
    const type = method === "PATCH" ? "application/merge-patch+json" : "application/json";
    return {
      accept: "application/json, application/problem+json",
      ...(this.#options.token ? { authorization: `Bearer ${this.#options.token}` } : {}),
      ...(payload ? { "content-type": type, "content-length": payload.length } : {}),
      ...extra,
    };
  }

  /** A response whose body is yet to be read; undefined where the signal aborted first. */
  #open(
    options: http.RequestOptions & { signal: AbortSignal },
    payload?: Buffer,
  ): Promise<http.IncomingMessage | undefined> {
    const { url } = this.#options;
    const quietMs = options.timeout ?? this.#options.quietMs ?? 60_000;
    return new Promise((resolve, reject) => {
      // A stream keeps its connection for itself.
      const request = this.#module.request({ ...this.#target, ...options, agent: false }, (response) => {
        if (response.statusCode === 200) return resolve(response);
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("end", () => reject(refusalOf(answerOf(response, Buffer.concat(chunks)))));
      });
      request.on("error", (error) =>
        options.signal.aborted ? resolve(undefined) : reject(new Unreachable(url, error)),
      );
      request.setTimeout(quietMs, () => request.destroy(new Error("it is silent")));
      request.end(payload);
    });
  }

  #send(options: http.RequestOptions, payload: Buffer | undefined): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const failed = (cause: unknown) => reject(new Unreachable(this.#options.url, cause));
      const request = this.#module.request({ ...this.#target, ...options, agent: this.#agent }, (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("error", failed);
        response.on("end", () => resolve(answerOf(response, Buffer.concat(chunks))));
      });
      request.on("error", (error: NodeJS.ErrnoException) => {
        if (request.reusedSocket && wasNotHeard(options.method, error)) resolve(this.#send(options, payload));
        else failed(error);
      });
      request.setTimeout(this.#options.timeoutMs ?? 330_000, () => request.destroy(new Error("it does not answer")));
      request.end(payload);
    });
  }
}

export const ifMatch = (object: { readonly revision: number }): Headers => ({ "if-match": `"${object.revision}"` });
export const idempotencyKey = (key: string): Headers => ({ "idempotency-key": key });

const pathOf = (plural: string, id: string): string => `/v1/${plural}/${encodeURIComponent(id)}`;

export function queryText(query: Query): string {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(query))
    for (const one of Array.isArray(value) ? value : [value]) if (one !== undefined) params.append(name, String(one));
  const text = params.toString();
  return text ? `?${text}` : "";
}

/**
 * On a connection that the server had given up while it was kept: nothing of the request was read, or it changes nothing and
 * may be sent again (RFC 9110 section 9.2.2).
 */
const wasNotHeard = (method: string | undefined, { code }: NodeJS.ErrnoException): boolean =>
  code === "EPIPE" || (method === "GET" && code === "ECONNRESET");

function targetOf(url: string): http.RequestOptions {
  if (url.startsWith("unix:")) return { socketPath: url.slice("unix:".length), host: "localhost" };
  const { hostname, port, protocol } = new URL(url);
  if (protocol !== "http:" && protocol !== "https:") throw new TypeError(`not an address of the API: ${url}`);
  return { hostname: hostname.replace(/^\[(.*)\]$/, "$1"), ...(port ? { port } : {}) };
}

function answerOf(response: http.IncomingMessage, raw: Buffer): Answer {
  const { statusCode = 0, headers } = response;
  return { status: statusCode, headers, body: bodyOf(headers["content-type"] ?? "", raw) };
}

function bodyOf(type: string, raw: Buffer): unknown {
  if (raw.length === 0) return undefined;
  const text = raw.toString("utf8");
  if (!/^application\/(problem\+)?json\b/.test(type)) return text;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** Members of problem details that ErrorDetail has fields for; all others are the code's own. */
const KNOWN = ["type", "title", "status", "detail", "instance", "code", "errors", "hint", "request_id", "retry_after"];

function refusalOf({ status, body }: Answer): OnehopError {
  if (typeof body !== "object" || body === null || !("code" in body))
    return new OnehopError({ code: "unexpected", status, message: `The API answered ${status} without saying why.` });
  const p = body as Record<string, unknown> & { code: string };
  const fields = Object.fromEntries(Object.entries(p).filter(([name]) => !KNOWN.includes(name)));
  return new OnehopError({
    code: p.code,
    status,
    message: typeof p.detail === "string" ? p.detail : p.code,
    ...(typeof p.hint === "string" ? { hint: p.hint } : {}),
    ...(Array.isArray(p.errors) ? { errors: p.errors } : {}),
    ...(typeof p.retry_after === "number" ? { retry_after: p.retry_after } : {}),
    ...(Object.keys(fields).length > 0 ? { fields } : {}),
  });
}
