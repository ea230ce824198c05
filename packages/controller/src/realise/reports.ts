import type { PortProblem, Report, SliceId } from "@onehop/core";
import { keys } from "@onehop/store";
import type { Said } from "../publish/session.ts";

/**
 * The last report of every live host, with what status asks of them: which hosts hold a slice, and what. What a host says
 * on a stream of its own to this controller counts before what the store has, which may be from a little earlier.
 */
export class Reports {
  /** As text: what is heard is not read a second time. */
  readonly #stored = new Map<string, string>();
  readonly #heard = new Set<string>();
  readonly #byHost = new Map<string, Said>();
  readonly #hashes = new Map<SliceId, Map<string, string>>();

  /** Answers the ids of the hosts concerned. */
  replaceAll(entries: readonly { readonly key: string; readonly value: string }[]): string[] {
    const present = new Set(entries.map((e) => e.key));
    const gone = [...this.#stored.keys()].filter((hostId) => !present.has(keys.report(hostId)));
    for (const hostId of gone) this.#store(hostId, undefined);
    return [...gone, ...entries.map(({ key, value }) => this.apply(key, value))];
  }

  /** Undefined: the host's report is gone, with its lease. Answers the host's id. */
  apply(key: string, value: string | undefined): string {
    const hostId = key.slice(keys.reports.length);
    this.#store(hostId, value);
    return hostId;
  }

  /** Undefined: the host's stream to this controller ended. */
  hear(hostId: string, said: Said | undefined): void {
    if (said) this.#heard.add(hostId);
    else this.#heard.delete(hostId);
    this.#set(hostId, said ?? parseReport(this.#stored.get(hostId)));
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
    const report = this.#byHost.get(hostId)?.report;
    return report?.whole === true && Array.isArray(report.hub_of) ? new Set(report.hub_of) : NO_VPCS;
  }

  problemOf(hostId: string, portId: string): PortProblem | undefined {
    return this.#byHost.get(hostId)?.report.degraded.find((p) => p.port_id === portId);
  }

  #store(hostId: string, text: string | undefined): void {
    if (text === undefined) this.#stored.delete(hostId);
    else this.#stored.set(hostId, text);
    if (!this.#heard.has(hostId)) this.#set(hostId, parseReport(text));
  }

  #set(hostId: string, said: Said | undefined): void {
    const before = this.#byHost.get(hostId);
    if (said && before?.applied === said.applied) this.#change(hostId, said.report);
    else this.#replace(hostId, before, said);
    if (said) this.#byHost.set(hostId, said);
    else this.#byHost.delete(hostId);
  }

  /** What is new since the report before on the same stream. */
  #change(hostId: string, { applied, gone = [] }: Report): void {
    for (const id of gone) this.#drop(hostId, id);
    for (const { id, hash } of applied) this.#note(hostId, id, hash);
  }

  #replace(hostId: string, before: Said | undefined, said: Said | undefined): void {
    for (const id of before?.applied.keys() ?? []) if (!said?.applied.has(id)) this.#drop(hostId, id);
    for (const { id, hash } of said?.applied.values() ?? []) this.#note(hostId, id, hash);
  }

  #note(hostId: string, id: SliceId, hash: string): void {
    const hashes = this.#hashes.get(id);
    if (hashes) hashes.set(hostId, hash);
    else this.#hashes.set(id, new Map([[hostId, hash]]));
  }

  #drop(hostId: string, id: SliceId): void {
    const hashes = this.#hashes.get(id);
    hashes?.delete(hostId);
    if (hashes?.size === 0) this.#hashes.delete(id);
  }
}

const NONE: ReadonlyMap<string, string> = new Map();
const NO_VPCS: ReadonlySet<string> = new Set();

/** What a host wrote is not trusted to have a report's form. */
function parseReport(text: string | undefined): Said | undefined {
  if (text === undefined) return undefined;
  try {
    const value = JSON.parse(text) as Partial<Report> | null;
    if (!Array.isArray(value?.applied) || !Array.isArray(value.degraded)) return undefined;
    const report = value as Report;
    return { report, applied: new Map(report.applied.map((held) => [held.id, held])) };
  } catch {
    return undefined;
  }
}
