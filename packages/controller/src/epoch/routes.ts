import type { Route, StoreState } from "@onehop/api";
import { OnehopError } from "@onehop/core";
import { keys, type Store } from "@onehop/store";
import { type App, callerIn, type Serve } from "../http/app.ts";
import type { Sentry } from "./sentry.ts";
import { parseEpoch } from "./stored.ts";

/** What is allowed while the store is frozen although it is no GET: questions, looking, and what an operator needs. */
const ALLOWED = new Set(["trace.run", "why.run", "capture.run", "store.accept", "hosts.revoke"]);

/** Throws 503 where the request would write into a store that is frozen. */
export function demandThawed({ method, id }: Route, sentry: Sentry | undefined): void {
  if (method === "GET" || ALLOWED.has(id) || !sentry?.sentence) return;
  throw new OnehopError({
    code: "store_frozen",
    status: 503,
    message: sentry.sentence,
    hint: "An operator compares and decides: onehop store show, then onehop store accept.",
  });
}

export function storeHandlers({ store, sentry }: App): Readonly<Record<string, Serve>> {
  return {
    "store.show": () => stateOf(store, sentry),
    "store.accept": async (request) => {
      if (!sentry?.frozen) throw notFrozen();
      const accepted = await sentry.accept();
      if (!accepted) throw notFrozen();
      const { epoch, was } = accepted;
      request.log.warn({ who: callerIn(request).id, epoch, was }, "The store was accepted as it is.");
      return stateOf(store, sentry);
    },
  };
}

/** As the store has it now, whatever this controller knows of it. */
async function stateOf(store: Store, sentry: Sentry | undefined): Promise<StoreState> {
  const { entries, revision } = await store.range({ prefix: keys.epoch, limit: 1 });
  const epoch = parseEpoch(entries[0]?.value)?.epoch ?? sentry?.epoch ?? 1;
  const frozen = sentry?.frozen;
  return {
    epoch,
    revision,
    frozen: frozen !== undefined,
    ...(sentry?.sentence ? { reason: sentry.sentence } : {}),
    ...(frozen?.seen ? { seen: { ...frozen.seen, by: frozen.by ?? "" } } : {}),
  };
}

const notFrozen = (): OnehopError =>
  new OnehopError({
    code: "not_frozen",
    status: 409,
    message: "The store is not frozen, so there is nothing to accept.",
    hint: "onehop store show",
  });
