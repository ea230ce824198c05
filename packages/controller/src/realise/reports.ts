import type { Held, PortProblem, Report, SliceId } from "@onehop/core";
import { keys } from "@onehop/store";

/** The last report of every live host, with what status asks of them: which hosts hold a slice, and what. */
export class Reports {
  readonly #byHost = new Map<string, Report>();
  readonly #hashes = new Map<SliceId, Map<string, string>>();

  /** Answers the ids of the hosts concerned. */
  replaceAll(entries: readonly { readonly key: string; readonly value: string }[]): string[] {
    const present = new Set(entries.map((e) => e.key));
    const gone = [...this.#byHost.keys()].filter((hostId) => !present.has(keys.report(hostId)));
    for (const hostId of gone) this.#set(hostId, undefined);
    return [...gone, ...entries.map(({ key, value }) => this.apply(key, value))];
  }

  /** Undefined: the host's report is gone, with its lease. Answers the host's id. */
  apply(key: string, value: string | undefined): string {
    const hostId = key.slice(keys.reports.length);
    this.#set(hostId, value === undefined ? undefined : parseReport(value));
    return hostId;
  }

  live(hostId: string): boolean {
    return this.#byHost.has(hostId);
  }

  /** Hash of the slice that each host holding it has applied. */
  appliedBy(id: SliceId): ReadonlyMap<string, string> {
    return this.#hashes.get(id) ?? NONE;
  }

  /** VPCs whose whole tables the host has, as their hub; none where its agent does not say so. */
  whole(hostId: string): ReadonlySet<string> {
    const report = this.#byHost.get(hostId);
    return report?.whole === true && Array.isArray(report.hub_of) ? new Set(report.hub_of) : NO_VPCS;
  }

  problemOf(hostId: string, portId: string): PortProblem | undefined {
    return this.#byHost.get(hostId)?.degraded.find((p) => p.port_id === portId);
  }

  #set(hostId: string, report: Report | undefined): void {
    const before = this.#byHost.get(hostId);
    const after = new Set<SliceId>(report?.applied.map((h) => h.id));
    for (const { id } of before?.applied ?? []) {
      if (after.has(id)) continue;
      const hashes = this.#hashes.get(id);
      hashes?.delete(hostId);
      if (hashes?.size === 0) this.#hashes.delete(id);
    }
    for (const held of report?.applied ?? []) this.#note(hostId, held);
    if (report) this.#byHost.set(hostId, report);
    else this.#byHost.delete(hostId);
  }

  #note(hostId: string, { id, hash }: Held): void {
    const hashes = this.#hashes.get(id);
    if (hashes) hashes.set(hostId, hash);
    else this.#hashes.set(id, new Map([[hostId, hash]]));
  }
}

const NONE: ReadonlyMap<string, string> = new Map();
const NO_VPCS: ReadonlySet<string> = new Set();

/** What a host wrote is not trusted to have a report's form. */
function parseReport(text: string): Report | undefined {
  try {
    const value = JSON.parse(text) as Partial<Report> | null;
    if (!Array.isArray(value?.applied) || !Array.isArray(value.degraded)) return undefined;
    return value as Report;
  } catch {
    return undefined;
  }
}
