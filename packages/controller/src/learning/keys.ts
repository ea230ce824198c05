import { conflict, type VpcKey } from "@onehop/core";
import { type Entry, keys, type Store } from "@onehop/store";
import type { Plans, Stage } from "../compile/index.ts";
import type { Random } from "../handlers/handler.ts";
import type { Reports } from "../realise/reports.ts";

const KEY_BYTES = 16;
const secret = (random: Random): string => Buffer.from(random(KEY_BYTES)).toString("hex");

/** What is stored of a VPC's learning: beside its key, how far it is on its way. Members that are not known are kept. */
export interface StoredKey extends VpcKey {
  readonly stage: Stage;
}

const STAGES: ReadonlySet<unknown> = new Set<Stage>(["pushed", "both", "learned"]);

/**
 * As it is stored when a VPC is made. It learns from the first: nobody talks in it yet, so nobody loses a packet.
 * `after`: version of the key that it had in a former life, which hosts may still hold.
 */
export const firstKey = (random: Random, after = 0): string =>
  JSON.stringify({ version: after + 1, current: secret(random), stage: "learned" satisfies Stage });

/** Undefined: what is stored is no key. */
export function parseKey(text: string): StoredKey | undefined {
  try {
    const value = JSON.parse(text) as Partial<StoredKey>;
    const { version, current, former, stage } = value;
    const isSecret = (value: unknown) => typeof value === "string" && /^[0-9a-f]{32}$/.test(value);
    if (!Number.isInteger(version) || !isSecret(current) || (former !== undefined && !isSecret(former)))
      return undefined;
    return { ...(value as StoredKey), stage: stage && STAGES.has(stage) ? stage : "pushed" };
  } catch {
    return undefined;
  }
}

/** Only what hosts are told of it. */
export const keyOfHosts = ({ version, current, former }: StoredKey): VpcKey => ({
  version,
  current,
  ...(former ? { former } : {}),
});

/** A VPC that was made before keys were gets one; its ports are pushed until its hubs have them. */
export async function makeMissingKey(store: Store, vpcId: string, random: Random): Promise<void> {
  const compare = [{ absent: keys.vpcKey(vpcId) }, { exists: keys.object("vpcs", vpcId) }];
  const value = JSON.stringify({ version: 1, current: secret(random), stage: "pushed" satisfies Stage });
  await store.txn({ compare, then: [{ put: keys.vpcKey(vpcId), value }] });
}

/** Sets how far the VPC is; nothing where its key is another meanwhile. */
export async function setStage(store: Store, vpcId: string, stage: Stage): Promise<void> {
  const entry = await store.get(keys.vpcKey(vpcId));
  const had = entry && parseKey(entry.value);
  if (entry && had && had.stage !== stage) await replace(store, entry, { ...had, stage });
}

const replace = async (store: Store, entry: Entry, next: StoredKey): Promise<boolean> =>
  (
    await store.txn({
      compare: [{ key: entry.key, mod_revision: entry.mod_revision }],
      then: [{ put: entry.key, value: JSON.stringify(next) }],
    })
  ).ok;

export interface Rotation {
  readonly store: Store;
  readonly plans: Plans;
  readonly reports: Reports;
  readonly random: Random;
  /** The last key of the VPC that could be read. */
  readonly known?: StoredKey | undefined;
}

/**
 * Gives a VPC a new key; the one that it had is still accepted. Refused while a live host has not reported that one, or
 * answers for guests that left it with an older one: what they say would not be understood any more. Answers the version.
 */
export async function rotateKey(vpcId: string, rotation: Rotation): Promise<number> {
  const { store, random, known } = rotation;
  const entry = await store.get(keys.vpcKey(vpcId));
  if (!entry) throw conflict("no_key", "The VPC has no key yet.", { retry_after: 1 });
  // One that cannot be read is replaced: the last that could be is what hosts have.
  const had = parseKey(entry.value) ?? known;
  if (had) await refuseEarly(vpcId, had.version, rotation);
  const { former: _older, ...kept } = had ?? { version: 0, current: undefined, stage: "pushed" as const };
  const next = { ...kept, version: kept.version + 1, current: secret(random), ...(had ? { former: had.current } : {}) };
  if (!(await replace(store, entry, next)))
    throw conflict("changed_meanwhile", "The key was changed meanwhile.", { retry_after: 1 });
  return next.version;
}

async function refuseEarly(vpcId: string, version: number, { store, plans, reports }: Rotation): Promise<void> {
  const slice = plans.slice(`vpc/${vpcId}`);
  const compiled = slice?.body.type === "vpc" ? slice.body.learning?.key.version : undefined;
  const isBehind = compiled !== undefined && compiled !== version;
  if (slice && (isBehind || lateHosts(vpcId, plans, reports).length > 0))
    throw conflict("key_not_everywhere", `Not every host has version ${version} of the key yet.`, { retry_after: 1 });
  const { entries } = await store.range({ prefix: keys.keyLingerersOf(vpcId) });
  if (entries.some((e) => Number(e.value) < version))
    throw conflict(
      "key_lingers",
      `A host that its guests left answers for them with version ${version - 1} of the key.`,
      {
        retry_after: 60,
      },
    );
}

/** Live hosts that have not applied the VPC's slice as it is. */
export function lateHosts(vpcId: string, plans: Plans, reports: Reports): string[] {
  const slice = plans.slice(`vpc/${vpcId}`);
  const applied = reports.appliedBy(`vpc/${vpcId}`);
  return [...plans.hostsOf(`vpc/${vpcId}`)].filter((h) => reports.live(h) && applied.get(h) !== slice?.hash);
}
