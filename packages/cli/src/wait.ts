import type { Noun } from "@onehop/core";
import { type Command, Option } from "commander";
import type { Thing } from "./api.ts";
import { timedOut } from "./exit.ts";
import { pathOf } from "./objects.ts";
import { parseDuration } from "./schema_text.ts";
import type { Session } from "./session.ts";

export interface WaitOptions {
  readonly wait?: boolean;
  readonly timeout?: string;
}

export const DEFAULT_WAIT = "30s";

/** The longest question put to the API at once; a longer wait asks again. */
const LONGEST_POLL_S = 30;

/** Between two questions, since an API may answer at once that an object is degraded, which can heal. */
const PAUSE_MS = 100;

const timeoutOption = (): Option =>
  new Option("--timeout <time>", "give up waiting after this long").default(DEFAULT_WAIT);

export const addTimeoutOption = (command: Command): Command => command.addOption(timeoutOption());

export const addWaitOptions = (command: Command): Command =>
  command.addOption(new Option("--wait", "wait until the hosts have it")).addOption(timeoutOption());

/** Milliseconds to wait, or undefined where nobody asked to. */
export const waitOf = (options: WaitOptions): number | undefined =>
  options.wait ? parseDuration(options.timeout ?? DEFAULT_WAIT) : undefined;

/** Asks the API to answer once the object is realised; the API does the waiting. Throws `timeout` with what stands in the way. */
export async function waitFor(
  session: Pick<Session, "api" | "io">,
  noun: Noun,
  thing: Pick<Thing, "id" | "name">,
  limitMs: number,
): Promise<Thing> {
  const end = session.io.now() + limitMs;
  for (;;) {
    const left = Math.max(0, end - session.io.now()) / 1000;
    const seconds = Math.min(LONGEST_POLL_S, Math.ceil(left));
    const path = `${pathOf(noun, thing.id)}?wait_for=realised&timeout_s=${seconds}`;
    const current = (await session.api.request("GET", path)).body as Thing;
    if (current.status.state === "realised") return current;
    if (session.io.now() >= end) throw notRealised(noun, current, limitMs);
    await session.io.pause(PAUSE_MS);
  }
}

function notRealised(noun: Noun, thing: Thing, limitMs: number): Error {
  const { state, reason } = thing.status;
  return timedOut(
    `${noun.kind}/${thing.name} is ${state}, not realised, after ${Math.round(limitMs / 100) / 10} s${reason ? `: ${reason}` : "."}`,
    `onehop ${noun.kind} show ${thing.id}`,
  );
}
