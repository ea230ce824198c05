import type { VpcKey } from "@onehop/core";
import { type Change, keys } from "@onehop/store";
import type { LearningFacts, Stage } from "../compile/index.ts";
import { parseEpoch } from "../epoch/stored.ts";
import { type FollowOptions, follow } from "../realise/follow.ts";
import type { Reports } from "../realise/reports.ts";
import { Holders } from "./holders.ts";
import { keyOfHosts, parseKey, type StoredKey } from "./keys.ts";

type Pair = { readonly key: string; readonly value: string };

/** What is stored and reported about learning, kept up by whoever follows the store. Each step answers the VPCs it changed. */
export class Facts implements LearningFacts {
  readonly holders = new Holders();
  readonly #keys = new Map<string, { readonly text: string; readonly stored: StoredKey }>();
  /** VPCs that each host has wholly, by host. */
  readonly #whole = new Map<string, ReadonlySet<string>>();
  readonly #reports: Reports;
  readonly #onBroken: (sentence: string) => void;
  #epoch = 1;
  #frozen = false;

  /** `onBroken` is told in a sentence of what is stored and cannot be read. */
  constructor(reports: Reports, onBroken: (sentence: string) => void = () => undefined) {
    this.#reports = reports;
    this.#onBroken = onBroken;
  }

  get epoch(): number {
    return this.#epoch;
  }

  get frozen(): boolean {
    return this.#frozen;
  }

  keyOf(vpcId: string): VpcKey | undefined {
    const stored = this.storedKey(vpcId);
    return stored && keyOfHosts(stored);
  }

  stageOf(vpcId: string): Stage {
    return this.storedKey(vpcId)?.stage ?? "pushed";
  }

  /** The last one that could be read. */
  storedKey(vpcId: string): StoredKey | undefined {
    return this.#keys.get(vpcId)?.stored;
  }

  inSync(hostId: string, vpcId: string): boolean {
    return this.#whole.get(hostId)?.has(vpcId) ?? false;
  }

  /** As stored; undefined: it was never restored. */
  setEpoch(text: string | undefined): string[] {
    const stored = parseEpoch(text);
    // What cannot be read may be of an operator who is at work, or of a later version.
    this.#frozen = !stored || stored.frozen !== undefined;
    if (!stored)
      this.#onBroken(
        `The stored epoch cannot be read; ${this.#epoch} stays in use, and what hosts learn is not judged.`,
      );
    const epoch = stored?.epoch ?? this.#epoch;
    if (epoch === this.#epoch) return [];
    this.#epoch = epoch;
    return [...this.#keys.keys()];
  }

  listKeys(entries: readonly Pair[]): string[] {
    const present = new Set(entries.map((e) => e.key));
    const gone = [...this.#keys.keys()].filter((id) => !present.has(keys.vpcKey(id)));
    return [
      ...gone.flatMap((id) => this.#setKey(id, undefined)),
      ...entries.flatMap((e) => this.#setKey(idOf(e.key), e.value)),
    ];
  }

  changeKeys(changes: readonly Change[]): string[] {
    return changes.flatMap(({ key, entry }) => this.#setKey(idOf(key), entry?.value));
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

  #setKey(vpcId: string, text: string | undefined): string[] {
    if (text === this.#keys.get(vpcId)?.text) return [];
    const stored = text === undefined ? undefined : parseKey(text);
    if (stored && text !== undefined) this.#keys.set(vpcId, { text, stored });
    else if (text === undefined) this.#keys.delete(vpcId);
    else {
      this.#onBroken(
        `The stored key of VPC ${vpcId} cannot be read; hosts keep the one that they have. "onehop vpc rotate-key" makes a new one.`,
      );
      return [];
    }
    return [vpcId];
  }
}

type Following = Pick<FollowOptions, "store" | "clock" | "signal" | "onError">;

/** Keeps the facts' keys as the store has them; resolves when they have been read. */
export async function followKeys(
  options: Following,
  facts: Facts,
  onChange: (vpcIds: readonly string[]) => void,
): Promise<void> {
  await Promise.all([
    followOne(options, keys.keyHolders, {
      onList: (entries) => facts.holders.list(entries),
      onChanges: (changes) => facts.holders.change(changes),
    }),
    followOne(options, keys.vpcKeys, {
      onList: (entries) => onChange(facts.listKeys(entries)),
      onChanges: (changes) => onChange(facts.changeKeys(changes)),
    }),
  ]);
}

/** Resolves when it has been listed. */
function followOne(
  options: Following,
  prefix: string,
  { onList, onChanges }: Pick<FollowOptions, "onList" | "onChanges">,
): Promise<void> {
  return new Promise((resolve) => {
    const first: FollowOptions["onList"] = (...listed) => {
      onList(...listed);
      resolve();
    };
    void follow({ ...options, prefix, onList: first, onChanges });
  });
}

const NONE: ReadonlySet<string> = new Set();
const idOf = (key: string): string => key.slice(keys.vpcKeys.length);
