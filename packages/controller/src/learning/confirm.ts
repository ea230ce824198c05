import type { Lessons, Verdict, Verdicts } from "@onehop/core";
import { type IntentView, keys, type Store } from "@onehop/store";
import type { IndexedIntent } from "../compile/index.ts";
import { judge } from "./judge.ts";

export interface ConfirmOptions {
  readonly store: Store;
  readonly view: IntentView;
  readonly indexed: IndexedIntent;
  readonly signal: AbortSignal;
  /** Whether who asks has to do with the VPC of this id. */
  readonly serves: (vpcId: string) => boolean;
}

/**
 * Answers what an agent asks of its learned entries; claims that this process is behind of are judged once it has caught
 * up. A host that asks of others' VPCs learns nothing of them: it is told "later".
 */
export async function confirm({ id, lessons }: Lessons, options: ConfirmOptions): Promise<Verdicts> {
  const { store, view, indexed, signal } = options;
  const newest = Math.max(0, ...lessons.map((l) => l.claim.revision));
  let stored = view.revision;
  if (newest > stored) {
    const answer = await store.range({ prefix: keys.epoch, limit: 1, keysOnly: true });
    stored = answer.revision;
    const patience = AbortSignal.any([signal, AbortSignal.timeout(PATIENCE_MS)]);
    // Not there in time: the verdict is "later".
    if (newest <= stored) await view.waitFor(newest, patience).catch(() => undefined);
  }
  const served = new Set([...view.vpcs.values()].flatMap((vpc) => (options.serves(vpc.id) ? vpc.vni : [])));
  const verdicts = judge(lessons, { view: indexed, stored });
  const told = verdicts.map((verdict, i) => (served.has(lessons[i]!.vpc) ? verdict : LATER));
  return { type: "verdicts", id, verdicts: told };
}

const PATIENCE_MS = 1000;
const LATER: Verdict = { verdict: "later" };
