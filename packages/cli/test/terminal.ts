import type { Api } from "../src/api.ts";
import type { Io } from "../src/io.ts";
import { run } from "../src/program.ts";

export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export interface TerminalOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly files?: Readonly<Record<string, string>>;
  readonly isTTY?: boolean;
  /** Instead of a clock that only `pause` moves. */
  readonly now?: () => number;
  readonly pause?: (ms: number) => Promise<void>;
  /** Ends what runs until it is stopped; by default that is stopped at once. */
  readonly stopped?: AbortSignal;
  /** Told what is printed as it comes. */
  readonly onOut?: (text: string) => void;
}

/** A terminal that nobody looks at. */
export const SILENT: Omit<Io, "connect"> = {
  env: {},
  out: () => undefined,
  err: () => undefined,
  isTTY: false,
  readFile: async () => "",
  openSink: async () => ({ write: async () => undefined, close: async () => undefined }),
  now: () => 0,
  pause: async () => undefined,
  untilStopped: () => AbortSignal.abort(),
};

/** Runs command lines in this process against one API; time passes only by `pause` and by what is asked of `now`. */
export function terminal(connect: Io["connect"] | Api, options: TerminalOptions = {}) {
  let clock = 0;
  return async (...argv: string[]): Promise<Ran> => {
    let out = "";
    let err = "";
    const io: Io = {
      ...SILENT,
      env: options.env ?? {},
      out: (text) => {
        out += text;
        options.onOut?.(text);
      },
      err: (text) => {
        err += text;
      },
      isTTY: options.isTTY ?? false,
      readFile: async (path) => options.files?.[path] ?? "",
      now: options.now ?? (() => clock),
      pause: async (ms) => {
        clock += ms;
        await options.pause?.(ms);
      },
      untilStopped: () => options.stopped ?? AbortSignal.abort(),
      connect: typeof connect === "function" ? connect : async () => connect,
    };
    const code = await run(argv, io);
    return { code, out, err };
  };
}
