import type { NetworkSlice, PortPlan, VpcSlice } from "@onehop/core";
import type { HubSourceKey } from "@onehop/datapath/maps.gen";
import type { Rows, TableName } from "./entries.ts";
import type { Part } from "./parts.ts";
import type { LocalPort, Opened } from "./plan.ts";

/** What was last made of an object, given again as long as all else that it was made from is the same, too. */
export class Memo<From extends object, Made> {
  readonly #last = new WeakMap<From, { readonly others: readonly unknown[]; readonly made: Made }>();

  of(from: From, others: readonly unknown[], make: () => Made): Made {
    const last = this.#last.get(from);
    if (last?.others.length === others.length && last.others.every((one, n) => one === others[n])) return last.made;
    const made = make();
    this.#last.set(from, { others, made });
    return made;
  }
}

/** Rows of one port, each with its key's text. */
export type TextRows<T extends TableName> = readonly (readonly [text: string, row: Rows[T]])[];

type PartMemo<From extends object, T extends TableName> = Memo<From, Part<Rows[T]>>;

/** What one plan and the next have in common is made once. Slices are never changed: a new one is another object. */
export class Memos {
  readonly hostByNumber = new Memo<Opened["hosts"], Opened["hostByNumber"]>();
  readonly local = new Memo<NetworkSlice, readonly LocalPort[]>();
  readonly hosts: PartMemo<Opened["hosts"], "hosts"> = new Memo();
  readonly tunnels: PartMemo<Opened["hosts"], "tunnels"> = new Memo();
  readonly routes: PartMemo<VpcSlice, "routes"> = new Memo();
  readonly macs: PartMemo<NetworkSlice, "macs"> = new Memo();
  readonly destinations: PartMemo<NetworkSlice, "destinations"> = new Memo();
  readonly portDestinations = new Memo<PortPlan, TextRows<"destinations">>();
  readonly hubSourceKeys = new Memo<NetworkSlice, readonly HubSourceKey[]>();
  readonly hubSources: PartMemo<VpcSlice, "hub_sources"> = new Memo();
}
