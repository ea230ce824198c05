import { type Cidr4, cidr4, conflict, formatCidr4, type OnehopError, overlaps, sizeOf, type Vpc } from "@onehop/core";

const SLASH_24 = 256;
/** Third octets that are given to networks; the others are left for ranges that users choose. */
const FIRST_OCTET = 1;
const LAST_OCTET = 253;

/** The next free /24 of the VPC's ranges, in order; of a range that has none, the whole range. */
export function nextRange(vpc: Vpc, taken: readonly Cidr4[]): string {
  for (const text of vpc.cidrs)
    for (const candidate of candidates(cidr4(text)))
      if (!taken.some((t) => overlaps(t, candidate))) return formatCidr4(candidate);
  throw exhausted(vpc);
}

function* candidates(range: Cidr4): Generator<Cidr4> {
  let any = false;
  for (let first = range.first; first + SLASH_24 <= range.first + sizeOf(range); first += SLASH_24) {
    const octet = (first >>> 8) & 255;
    if (octet < FIRST_OCTET || octet > LAST_OCTET) continue;
    any = true;
    yield { first, prefix: 24 };
  }
  if (!any && range.prefix >= 24 && range.prefix <= 29) yield range;
}

const exhausted = (vpc: Vpc): OnehopError =>
  conflict("range_exhausted", `No free /24 is left in the ranges of VPC ${vpc.name}.`, {
    hint: "Name a free range with cidr, or add one to the VPC's cidrs.",
  });
