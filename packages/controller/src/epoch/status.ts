import type { StatusSource } from "../status_source.ts";
import type { Sentry } from "./sentry.ts";

/** While the store is frozen nothing is sent to hosts: each says so. */
export const statusUnder = (sentry: Sentry, source: StatusSource): StatusSource => ({
  statusOf(kind, object, revision) {
    const status = source.statusOf(kind, object, revision);
    const { sentence } = sentry;
    return kind === "host" && sentence ? { ...status, state: "degraded", reason: sentence } : status;
  },
  changed: (signal) => source.changed(signal),
  query: (hostId, what, portId) => source.query(hostId, what, portId),
});
