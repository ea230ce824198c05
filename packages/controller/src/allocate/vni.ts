import { conflict } from "@onehop/core";
import { keys } from "@onehop/store";
import type { Draft } from "../handlers/draft.ts";
import type { Context } from "../handlers/handler.ts";
import { mustNotRest, resting } from "./resting.ts";

/** Random numbers tried before all are listed: enough unless the range is nearly full. */
const GUESSES = 4;

/** Takes the VNI that the user names, or a free one, for the object with this id. */
export async function takeVni(draft: Draft, owner: { id: string; vni?: number }, context: Context): Promise<number> {
  const chosen = owner.vni;
  const vni = chosen ?? (await freeVni(draft, context));
  const refusal = { pointer: "/vni", what: `The VNI ${vni}` };
  draft.claim({
    key: keys.vni(vni),
    value: owner.id,
    ...(chosen === undefined
      ? {}
      : { refusal: { ...refusal, code: "vni_taken", hint: "Leave vni out to get a free one." } }),
  });
  await mustNotRest(draft, keys.restingVni(vni), {
    owner: owner.id,
    context,
    ...(chosen === undefined ? {} : { refusal: { ...refusal, ...resting("vni_resting", context.limits.vniRest) } }),
  });
  return vni;
}

/** Frees an object's VNI; it rests, since packets that carry it may still be under way. */
export async function freeUpVni(
  draft: Draft,
  { id, vni }: { readonly id: string; readonly vni: number },
  { leases, limits }: Context,
): Promise<void> {
  draft.delete(keys.vni(vni));
  if (limits.vniRest > 0) draft.put(keys.restingVni(vni), id, await leases.lease(limits.vniRest));
}

async function freeVni(draft: Draft, { limits, random }: Context): Promise<number> {
  const { snapshot } = draft;
  const size = limits.vniTo - limits.vniFrom + 1;
  for (let i = 0; i < GUESSES; i++) {
    const bytes = random(4);
    const vni = limits.vniFrom + (new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0) % size);
    if (await isFree(draft, vni)) return vni;
  }
  const used = await snapshot.under(keys.vnis);
  const rests = await snapshot.under(keys.restingVnis);
  for (let vni = limits.vniFrom; vni <= limits.vniTo; vni++)
    if (!used.has(keys.vni(vni)) && !rests.has(keys.restingVni(vni))) return vni;
  throw conflict("vni_exhausted", `All ${size} VNIs of the region are in use or resting.`, {
    hint: "Delete networks or VPCs, or widen the controller's range of VNIs.",
    ...(rests.size > 0 ? { retry_after: limits.vniRest } : {}),
  });
}

async function isFree({ snapshot }: Draft, vni: number): Promise<boolean> {
  if (snapshot.planned(keys.vni(vni)) !== undefined) return false;
  const [used, rests] = await Promise.all([snapshot.get(keys.vni(vni)), snapshot.get(keys.restingVni(vni))]);
  return !used && !rests;
}
