import { macFromBits } from "@onehop/core";
import { keys } from "@onehop/store";
import type { Draft } from "../handlers/draft.ts";
import type { Context } from "../handlers/handler.ts";

/** Takes the MAC that the user names, or a random one: 40 bits, so that a clash is rare and only costs another try. */
export function takeMac(
  draft: Draft,
  owner: { id: string; network_id: string; mac?: string },
  { random }: Context,
): string {
  const mac = owner.mac ?? macFromBits(random(5));
  const refusal = {
    code: "mac_taken",
    pointer: "/mac",
    what: `The MAC ${mac}`,
    hint: "Leave mac out to get a free one.",
  };
  draft.claim({ key: keys.mac(owner.network_id, mac), value: owner.id, ...(owner.mac ? { refusal } : {}) });
  return mac;
}
