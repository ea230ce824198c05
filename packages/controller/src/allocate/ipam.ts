import { type Cidr4, cidr4, conflict, contains, formatIpv4, invalid, ipv4, lastOf, type Network } from "@onehop/core";
import { keys } from "@onehop/store";
import type { Draft } from "../handlers/draft.ts";
import type { Context } from "../handlers/handler.ts";
import { mustNotRest, resting } from "./resting.ts";

type Owner = { readonly id: string; readonly addresses?: readonly string[] };

/** Takes the addresses that the user names, or the lowest free one of the network. */
export async function takeAddresses(draft: Draft, owner: Owner, at: { network: Network; context: Context }) {
  const { network, context } = at;
  const chosen = owner.addresses;
  const addresses = chosen ?? [await lowestFree(draft, network, context)];
  for (const [i, address] of addresses.entries()) {
    const pointer = `/addresses/${i}`;
    if (chosen) checkAddress(network, { address, pointer, before: addresses.slice(0, i) });
    const refusal = { pointer, what: `The address ${address}` };
    const hint = "Leave addresses out to get a free one.";
    draft.claim({
      key: keys.address(network.id, address),
      value: owner.id,
      ...(chosen ? { refusal: { ...refusal, code: "address_taken", hint } } : {}),
    });
    await mustNotRest(draft, keys.restingAddress(network.id, address), {
      owner: owner.id,
      context,
      ...(chosen ? { refusal: { ...refusal, ...resting("address_resting", context.limits.addressRest) } } : {}),
    });
  }
  return [...addresses];
}

/** Frees addresses; they rest, since neighbours may still send to the old owner. */
export async function freeUpAddresses(
  draft: Draft,
  owner: { readonly id: string; readonly network_id: string; readonly addresses: readonly string[] },
  { leases, limits }: Context,
): Promise<void> {
  for (const address of owner.addresses) {
    draft.delete(keys.address(owner.network_id, address));
    if (limits.addressRest === 0) continue;
    draft.put(keys.restingAddress(owner.network_id, address), owner.id, await leases.lease(limits.addressRest));
  }
}

function checkAddress(network: Network, given: { address: string; pointer: string; before: readonly string[] }): void {
  const { address, pointer, before } = given;
  const range = cidr4(network.cidr);
  const n = ipv4(address);
  if (before.includes(address)) throw invalid(pointer, "is given twice");
  if (!contains(range, n)) throw invalid(pointer, `is not in ${network.cidr}, the range of network ${network.name}`);
  if (address === network.gateway) throw invalid(pointer, `is the gateway of network ${network.name}`);
  const special = specialAddress(range, n);
  if (special) throw invalid(pointer, special);
}

/** Why an address of a range cannot be given to anybody (RFC 1812 section 4.2.2.11). */
export function specialAddress(range: Cidr4, n: number): string | undefined {
  if (n === range.first) return "is the network's own address";
  if (n === lastOf(range)) return "is the network's broadcast address";
  return undefined;
}

async function lowestFree({ snapshot }: Draft, network: Network, { limits }: Context): Promise<string> {
  const used = await snapshot.under(keys.addressesOf(network.id));
  const rests = await snapshot.under(keys.restingAddressesOf(network.id));
  const range = cidr4(network.cidr);
  for (let n = range.first + 1; n < lastOf(range); n++) {
    const address = formatIpv4(n);
    if (address === network.gateway || used.has(keys.address(network.id, address))) continue;
    if (!rests.has(keys.restingAddress(network.id, address))) return address;
  }
  throw conflict("address_exhausted", `No address of ${network.cidr} is free in network ${network.name}.`, {
    hint: rests.size > 0 ? "Some were freed a moment ago; try again later." : "Delete ports, or use another network.",
    ...(rests.size > 0 ? { retry_after: limits.addressRest } : {}),
  });
}
