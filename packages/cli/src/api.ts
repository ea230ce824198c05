/** What the CLI needs of a client of the REST API; refusals arrive as OnehopError, a dead line as Unreachable. */
export interface Api {
  request(method: string, path: string, body?: unknown, headers?: Readonly<Record<string, string>>): Promise<Answer>;
  /** A stream of JSON lines, until it ends or the signal aborts. Fails as `request` does. */
  lines(path: string, signal: AbortSignal): AsyncIterable<unknown>;
  /** A file that the API makes as one reads, by a POST; an aborted signal ends it. */
  file(path: string, body: unknown, signal: AbortSignal): Promise<Download>;
}

export interface Download {
  readonly pieces: AsyncIterable<Uint8Array>;
  /** Once all pieces have come: what the API says of the whole. */
  readonly trailers: () => Readonly<Record<string, string | undefined>>;
}

export interface Answer {
  readonly status: number;
  /** Parsed JSON; undefined where the answer has no body. */
  readonly body: unknown;
}

/** An object as the API answers it. */
export interface Thing {
  readonly id: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly revision: number;
  readonly status: { readonly state: string; readonly reason?: string };
  readonly [field: string]: unknown;
}
