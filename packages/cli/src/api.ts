/** What the CLI needs of a client of the REST API; refusals arrive as OnehopError, a dead line as Unreachable. */
export interface Api {
  request(method: string, path: string, body?: unknown, headers?: Readonly<Record<string, string>>): Promise<Answer>;
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
