import { open, readFile } from "node:fs/promises";
import { text } from "node:stream/consumers";
import { setTimeout as delay } from "node:timers/promises";
import type { Answer, Api, Download } from "./api.ts";
import { unreachable, usage } from "./exit.ts";
import type { Io, Sink, Target } from "./io.ts";

/** The process itself. */
export function nodeIo(): Io {
  return {
    env: process.env,
    out: (chunk) => void process.stdout.write(chunk),
    err: (chunk) => void process.stderr.write(chunk),
    isTTY: process.stdout.isTTY === true,
    readFile: readText,
    openSink,
    now: () => performance.now(),
    pause: (ms) => delay(ms),
    untilStopped,
    connect,
  };
}

/** The first signal asks to end in order; a second one ends the process at once, as if nobody listened. */
function untilStopped(): AbortSignal {
  const controller = new AbortController();
  for (const name of ["SIGINT", "SIGTERM"] as const) process.once(name, () => controller.abort());
  return controller.signal;
}

async function readText(path: string): Promise<string> {
  if (path === "-") return text(process.stdin);
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    throw usage(`${path} cannot be read: ${(error as NodeJS.ErrnoException).code ?? String(error)}.`);
  }
}

async function openSink(path: string): Promise<Sink> {
  if (path === "-") return { write: (bytes) => written(bytes), close: async () => undefined };
  try {
    const file = await open(path, "w", 0o600);
    return { write: async (bytes) => void (await file.write(bytes)), close: () => file.close() };
  } catch (error) {
    throw usage(`${path} cannot be written: ${(error as NodeJS.ErrnoException).code ?? String(error)}.`);
  }
}

const written = (bytes: Uint8Array): Promise<void> =>
  new Promise((resolve) => process.stdout.write(bytes, () => resolve()));

/** The client is loaded at first use, so that help needs none of it. */
export async function connect({ url, token, ca }: Target): Promise<Api> {
  const { Client, Unreachable } = await import("@onehop/api/client");
  const client = open();
  return {
    async request(...call): Promise<Answer> {
      try {
        return await client.request(...call);
      } catch (error) {
        throw error instanceof Unreachable ? unreachable(error.message) : error;
      }
    },
    async *lines(path, signal) {
      try {
        yield* client.lines(path, signal);
      } catch (error) {
        throw error instanceof Unreachable ? unreachable(error.message) : error;
      }
    },
    async file(...call): Promise<Download> {
      try {
        return await client.file(...call);
      } catch (error) {
        throw error instanceof Unreachable ? unreachable(error.message) : error;
      }
    },
  };

  function open() {
    try {
      return new Client({ url, ...(token ? { token } : {}), ...(ca ? { ca } : {}) });
    } catch {
      throw usage(`${JSON.stringify(url)} is no address of an API.`, "unix:/run/onehop/api.sock or http://HOST:PORT");
    }
  }
}
