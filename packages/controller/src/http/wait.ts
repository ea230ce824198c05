import { WAIT_DEFAULT_S, WAIT_MAX_S } from "@onehop/api";
import { invalid, type Status } from "@onehop/core";
import type { Clock } from "@onehop/store";
import type { QueryValues } from "../api/read.ts";
import type { StatusSource } from "../status_source.ts";

/** Milliseconds to wait until realised, or undefined where that was not asked for. */
export function waitOf(query: QueryValues): number | undefined {
  for (const name of Object.keys(query))
    if (name !== "wait_for" && name !== "timeout_s")
      throw invalid("", `There is no option ${JSON.stringify(name.slice(0, 80))}.`);
  if (query.wait_for === undefined) return undefined;
  if (query.wait_for !== "realised") throw invalid("", "The only thing to wait_for is realised.");
  const text = String(query.timeout_s ?? WAIT_DEFAULT_S);
  const seconds = /^\d{1,4}$/.test(text) ? Number(text) : -1;
  if (seconds < 0 || seconds > WAIT_MAX_S) throw invalid("", `The timeout_s must be a number from 0 to ${WAIT_MAX_S}.`);
  return seconds * 1000;
}

export interface Waiting<T> {
  readonly read: () => Promise<T>;
  readonly source: StatusSource;
  readonly clock: Clock;
  readonly ms: number;
  /** The client has gone, or the server ends. */
  readonly signal: AbortSignal;
}

/** Reads until the object is realised; after `ms` milliseconds answers it as it is. */
export async function untilRealised<T extends { readonly status: Status }>(waiting: Waiting<T>): Promise<T> {
  const { read, source, clock, ms, signal } = waiting;
  const end = new AbortController();
  const stop = () => end.abort();
  const cancel = clock.after(ms, stop);
  signal.addEventListener("abort", stop);
  if (signal.aborted) stop();
  try {
    for (;;) {
      // Listened for before reading, so that a change in between is not missed.
      const changed = source.changed(end.signal);
      const object = await read();
      if (object.status.state === "realised" || end.signal.aborted) return object;
      await changed;
    }
  } finally {
    cancel();
    signal.removeEventListener("abort", stop);
    stop();
  }
}
