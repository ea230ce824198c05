import { conflict, type VpcKey } from "@onehop/core";
import { keys, type Store } from "@onehop/store";
import type { IndexedIntent, Plans } from "../compile/index.ts";
import type { Random } from "../handlers/handler.ts";
import type { Reports } from "../realise/reports.ts";

const KEY_BYTES = 16;
const secret = (random: Random): string => Buffer.from(random(KEY_BYTES)).toString("hex");

/** As it is stored when a VPC is made. */
export const firstKey = (random: Random): string => JSON.stringify({ version: 1, current: secret(random) });

/** Undefined: what is stored is no key. */
export function parseKey(text: string): VpcKey | undefined {
  try {
    const { version, current, former } = JSON.parse(text) as Partial<VpcKey>;
    const isSecret = (value: unknown) => typeof value === "string" && /^[0-9a-f]{32}$/.test(value);
    if (!Number.isInteger(version) || !isSecret(current) || (former !== undefined && !isSecret(former)))
      return undefined;
    return { version: version as number, current: current as string, ...(former ? { former } : {}) };
  } catch {
    return undefined;
  }
}

/** VPCs that were made before keys were get one. */
export async function makeMissingKeys(store: Store, view: IndexedIntent, random: Random): Promise<void> {
  for (const { id } of view.intent.vpcs.values()) {
    if (view.learning.keyOf(id)) continue;
    const compare = [{ absent: keys.vpcKey(id) }, { exists: keys.object("vpcs", id) }];
    await store.txn({ compare, then: [{ put: keys.vpcKey(id), value: firstKey(random) }] });
  }
}

export interface Rotation {
  readonly store: Store;
  readonly plans: Plans;
  readonly reports: Reports;
  readonly random: Random;
}

/**
 * Gives a VPC a new key; the one that it had is still accepted. Refused while a live host has not reported that one: it
 * would tag with a key that the others do not know any more. Answers the new version.
 */
export async function rotateKey(vpcId: string, { store, plans, reports, random }: Rotation): Promise<number> {
  const entry = await store.get(keys.vpcKey(vpcId));
  const had = entry && parseKey(entry.value);
  if (!entry || !had) throw conflict("no_key", "The VPC has no key yet.", { retry_after: 1 });
  const slice = plans.slice(`vpc/${vpcId}`);
  const applied = reports.appliedBy(`vpc/${vpcId}`);
  const known = slice?.body.type === "vpc" ? slice.body.learning?.key.version : undefined;
  const late = [...plans.hostsOf(`vpc/${vpcId}`)].some((h) => reports.live(h) && applied.get(h) !== slice?.hash);
  if (slice && (late || (known !== undefined && known !== had.version)))
    throw conflict("key_not_everywhere", `Not every host has version ${had.version} of the key yet.`, {
      retry_after: 1,
    });
  const next: VpcKey = { version: had.version + 1, current: secret(random), former: had.current };
  const result = await store.txn({
    compare: [{ key: entry.key, mod_revision: entry.mod_revision }],
    then: [{ put: entry.key, value: JSON.stringify(next) }],
  });
  if (!result.ok) throw conflict("changed_meanwhile", "The key was changed meanwhile.", { retry_after: 1 });
  return next.version;
}
