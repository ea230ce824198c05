import { invalid, nounOf, OnehopError, type Silent, type TraceObject } from "@onehop/core";
import type { Store } from "@onehop/store";
import { getOne, type QueryValues } from "../api/read.ts";
import type { Caller } from "../auth/caller.ts";
import { type Names, ref } from "./names.ts";

/** Which part of the region is asked about. */
export interface Scope {
  /** Ids of the ports whose rows may be told; undefined: all, and what no port stands for. */
  readonly ports: ReadonlySet<string> | undefined;
  /** VNIs of their VPCs. */
  readonly vpcs: readonly number[] | undefined;
  readonly hosts: readonly TraceObject[];
}

const FIELDS = ["project_id", "vpc_id", "port_id", "host_id"] as const;
type Field = (typeof FIELDS)[number];
type Given = Partial<Record<Field, string>>;

export interface Asking {
  readonly store: Store;
  readonly caller: Caller;
  readonly names: Names;
}

/** Throws 400 for a filter that is none, 404 for what is not there or not the caller's. */
export async function scopeOf(asking: Asking, query: QueryValues, others: readonly string[] = []): Promise<Scope> {
  const given = await known(asking, query, others);
  const { caller, names } = asking;
  const project = caller.role === "admin" ? given.project_id : caller.project_id;
  const { ports, hosts } = names.intent;
  const limited = project !== undefined || given.vpc_id !== undefined || given.port_id !== undefined;
  const mine = [...ports.values()].filter(
    (p) =>
      (project === undefined || p.project_id === project) &&
      (given.vpc_id === undefined || p.vpc_id === given.vpc_id) &&
      (given.port_id === undefined || p.id === given.port_id),
  );
  const at = new Set(mine.map((p) => p.host_id));
  const asked = [...hosts.values()]
    .filter((h) => h.kind === "onehop" && (!limited || at.has(h.id)))
    .filter((h) => given.host_id === undefined || h.id === given.host_id);
  const vnis = new Set(mine.flatMap((p) => names.intent.vpcs.get(p.vpc_id)?.vni ?? []));
  return {
    ports: limited ? new Set(mine.map((p) => p.id)) : undefined,
    vpcs: limited ? [...vnis] : undefined,
    hosts: asked.map((h) => ref("host", h)),
  };
}

async function known({ store, caller }: Asking, query: QueryValues, others: readonly string[]): Promise<Given> {
  const given: Given = {};
  for (const [name, value] of Object.entries(query)) {
    if (others.includes(name)) continue;
    const field = FIELDS.find((f) => f === name);
    if (!field || typeof value !== "string")
      throw invalid("", `There is no filter ${JSON.stringify(name.slice(0, 80))}.`);
    const noun = nounOf(field.replace("_id", "") as "project" | "vpc" | "port" | "host");
    given[field] = (await getOne({ store, caller, noun }, value)).id;
  }
  return given;
}

/** Answers by host; those that do not answer are told apart. */
export async function fromAll<T>(
  hosts: readonly TraceObject[],
  ask: (host: TraceObject) => Promise<T>,
): Promise<{ readonly answers: readonly (readonly [TraceObject, T])[]; readonly silent: readonly Silent[] }> {
  const answers: (readonly [TraceObject, T])[] = [];
  const silent: Silent[] = [];
  const one = async (host: TraceObject) => {
    try {
      answers.push([host, await ask(host)]);
    } catch (error) {
      if (!(error instanceof OnehopError) || error.detail.status !== 503) throw error;
      silent.push({ host, why: error.message });
    }
  };
  await Promise.all(hosts.map(one));
  return { answers, silent };
}
