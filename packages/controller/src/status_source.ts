import type { Host, Kind, Network, Port, Project, Route, Status, Vpc } from "@onehop/core";

/** Any object as it stands in the store. */
export type AnyObject = Project | Host | Vpc | Network | Port | Route;

/** Where the API learns what has become of intent. Status is derived from the hosts' reports, never stored. */
export interface StatusSource {
  /** State of an object whose last change was at this revision of the store. Cheap: called for every object of a list. */
  statusOf(kind: Kind, object: AnyObject, revision: number): Status;
  /** Resolves at the next change of any status, or when the signal aborts; never rejects. */
  changed(signal: AbortSignal): Promise<void>;
  /** Asks an agent over its stream. Throws OnehopError (503) where the host is not connected or does not answer. */
  query(hostId: string, what: "counters" | "host", portId?: string): Promise<unknown>;
}
