import { conflict, HOST_NUMBER_MAX } from "@onehop/core";
import { keys } from "@onehop/store";
import type { Draft } from "../handlers/draft.ts";

/** Takes the number that the user names, or the lowest free one. */
export async function takeHostNumber(draft: Draft, owner: { id: string; number?: number }): Promise<number> {
  const number = owner.number ?? (await lowestFree(draft));
  const refusal = { code: "number_taken", pointer: "/number", what: `The host number ${number}` };
  draft.claim({ key: keys.hostNumber(number), value: owner.id, ...(owner.number ? { refusal } : {}) });
  return number;
}

async function lowestFree({ snapshot }: Draft): Promise<number> {
  const used = await snapshot.under(keys.hostNumbers);
  for (let n = 1; n <= HOST_NUMBER_MAX; n++) if (!used.has(keys.hostNumber(n))) return n;
  throw conflict("number_exhausted", `All ${HOST_NUMBER_MAX} host numbers are in use.`);
}
