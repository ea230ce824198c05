import type { VpcKey } from "@onehop/core";
import { type Change, keys } from "@onehop/store";
import type { LearningFacts } from "../compile/index.ts";
import { type FollowOptions, follow } from "../realise/follow.ts";
import type { Reports } from "../realise/reports.ts";
import { parseKey } from "./keys.ts";

type Pair = { readonly key: string; readonly value: string };

/** What is stored and reported about learning, kept up by whoever follows the store. Each step answers the VPCs it changed. */
export class Facts implements LearningFacts {
  readonly #keys = new Map<string, VpcKey>();
  /** VPCs that each host has wholly, by host. */
  readonly #whole = new Map<string, ReadonlySet<string>>();
  readonly #reports: Reports;
  #epoch = 1;

  constructor(reports: Reports) {
    this.#reports = reports;
  }

  get epoch(): number {
    return this.#epoch;
  }

  keyOf(vpcId: string): VpcKey | undefined {
    return this.#keys.get(vpcId);
  }

  inSync(hostId: string, vpcId: string): boolean {
    return this.#whole.get(hostId)?.has(vpcId) ?? false;
  }

  /** As stored; undefined: it was never restored. */
  setEpoch(text: string | undefined): string[] {
    const epoch = text === undefined ? 1 : Number(text);
    if (!Number.isInteger(epoch) || epoch === this.#epoch) return [];
    this.#epoch = epoch;
    return [...this.#keys.keys()];
  }

  listKeys(entries: readonly Pair[]): string[] {
    const present = new Set(entries.map((e) => e.key));
    const gone = [...this.#keys.keys()].filter((id) => !present.has(keys.vpcKey(id)));
    return [
      ...gone.map((id) => this.#setKey(id, undefined)),
      ...entries.map((e) => this.#setKey(idOf(e.key), e.value)),
    ];
  }

  changeKeys(changes: readonly Change[]): string[] {
    return changes.map(({ key, entry }) => this.#setKey(idOf(key), entry?.value));
  }

  /** Hosts whose report is new, or gone. */
  reported(hostIds: Iterable<string>): Set<string> {
    const changed = new Set<string>();
    for (const hostId of hostIds) {
      const before = this.#whole.get(hostId) ?? NONE;
      const after = this.#reports.whole(hostId);
      for (const id of before) if (!after.has(id)) changed.add(id);
      for (const id of after) if (!before.has(id)) changed.add(id);
      this.#whole.set(hostId, after);
    }
    return changed;
  }

  #setKey(vpcId: string, value: string | undefined): string {
    const key = value === undefined ? undefined : parseKey(value);
    if (key) this.#keys.set(vpcId, key);
    else this.#keys.delete(vpcId);
    return vpcId;
  }
}

/** Keeps the facts' keys and epoch as the store has them; resolves when they have been read. */
export async function followKeys(
  options: Pick<FollowOptions, "store" | "clock" | "signal" | "onError">,
  facts: Facts,
  onChange: (vpcIds: readonly string[]) => void,
): Promise<void> {
  const epoch = new Promise<void>((resolve) => {
    void follow({
      ...options,
      prefix: keys.epoch,
      onList: (entries) => {
        onChange(facts.setEpoch(entries[0]?.value));
        resolve();
      },
      onChanges: (changes) => onChange(facts.setEpoch(changes.at(-1)?.entry?.value)),
    });
  });
  const all = new Promise<void>((resolve) => {
    void follow({
      ...options,
      prefix: keys.vpcKeys,
      onList: (entries) => {
        onChange(facts.listKeys(entries));
        resolve();
      },
      onChanges: (changes) => onChange(facts.changeKeys(changes)),
    });
  });
  await Promise.all([epoch, all]);
}

const NONE: ReadonlySet<string> = new Set();
const idOf = (key: string): string => key.slice(keys.vpcKeys.length);
