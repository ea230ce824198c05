import type { PublisherOptions } from "../publish/publisher.ts";
import type { Realise } from "./realise.ts";
import type { ReportWriter } from "./report_writer.ts";

/** What hosts say on their streams to this controller counts here at once, and is kept in the store for the others. */
export function heardAndKept(realise: () => Realise, written: ReportWriter): PublisherOptions["reports"] {
  return {
    opened: (hostId) => written.opened(hostId),
    put: (hostId, said) => {
      written.put(hostId, said);
      realise().heard(hostId, said);
    },
    closed: (hostId) => {
      written.closed(hostId);
      realise().heard(hostId, undefined);
    },
  };
}
