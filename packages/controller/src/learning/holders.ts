import { type Change, keys } from "@onehop/store";

/** serves: it is given each key of the VPC. A number: the last version that it was given, before it ceased to serve it. */
export type Holding = "serves" | number;

/** Which hosts were given a VPC's key, as the store has it: a host that is removed must not know one that is in use. */
export class Holders {
  readonly #byVpc = new Map<string, Map<string, Holding>>();

  of(vpcId: string): ReadonlyMap<string, Holding> {
    return this.#byVpc.get(vpcId) ?? NONE;
  }

  /** VPCs of which the host has, or had, a key. */
  *vpcsOf(hostId: string): Iterable<string> {
    for (const [vpcId, holders] of this.#byVpc) if (holders.has(hostId)) yield vpcId;
  }

  list(entries: readonly { readonly key: string; readonly value: string }[]): void {
    this.#byVpc.clear();
    for (const { key, value } of entries) this.#set(key, value);
  }

  change(changes: readonly Change[]): void {
    for (const { key, entry } of changes) this.#set(key, entry?.value);
  }

  #set(key: string, value: string | undefined): void {
    const [vpcId, hostId] = key.slice(keys.keyHolders.length).split("/") as [string, string];
    const holders = this.#byVpc.get(vpcId) ?? new Map<string, Holding>();
    if (value === undefined) holders.delete(hostId);
    // What cannot be read is taken for the newest version: rather a rotation too many.
    else holders.set(hostId, /^\d+$/.test(value) ? Number(value) : "serves");
    if (holders.size > 0) this.#byVpc.set(vpcId, holders);
    else this.#byVpc.delete(vpcId);
  }
}

const NONE: ReadonlyMap<string, Holding> = new Map();
