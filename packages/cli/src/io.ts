import type { Api } from "./api.ts";

/** Everything a command touches outside itself, so that tests run it in their own process. */
export interface Io {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Data only: what a script reads. */
  out(text: string): void;
  /** Everything else: progress, hints, errors. */
  err(text: string): void;
  /** Whether `out` ends at a person. */
  readonly isTTY: boolean;
  /** Text of a file; `-` is standard input. */
  readFile(path: string): Promise<string>;
  /** Where bytes go; `-` is standard output. */
  openSink(path: string): Promise<Sink>;
  /** Milliseconds of a clock that never goes back. */
  now(): number;
  pause(ms: number): Promise<void>;
  /** Aborted by Ctrl-C and TERM from now on; for commands that run until then. */
  untilStopped(): AbortSignal;
  connect(target: Target): Promise<Api>;
}

export interface Sink {
  /** Resolves when more may come. */
  write(bytes: Uint8Array): Promise<void>;
  close(): Promise<void>;
}

export interface Target {
  /** `unix:/path`, `http://host:port` or `https://host:port`. */
  readonly url: string;
  readonly token?: string;
  /** PEM of the authorities that the API's certificate may be of; by default those of Node.js. */
  readonly ca?: string;
}

export const DEFAULT_URL = "unix:/run/onehop/api.sock";
