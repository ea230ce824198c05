import {
  type Cidr4,
  cidr4,
  conflict,
  containsRange,
  invalid,
  ipv4,
  overlaps,
  reservedReason,
  type Vpc,
  type vpc,
} from "@onehop/core";
import { keys } from "@onehop/store";
import { freeUpVni, takeVni } from "../allocate/vni.ts";
import { type End, endOf } from "../history/trim.ts";
import { firstKey, parseKey } from "../learning/keys.ts";
import type { Draft } from "./draft.ts";
import type { Given, Handler } from "./handler.ts";
import { charge, referred } from "./references.ts";

export const vpcs: Handler<Vpc, Given<typeof vpc>> = {
  async create(draft, given, context) {
    const owner = await referred(draft, "project", { id: given.project_id, pointer: "/project_id" }, context);
    checkRanges(given.cidrs);
    await charge(draft, owner, "vpcs");
    // The history of a deleted VPC goes on where the same one comes back.
    const end = await draft.read(keys.historyEnd(given.id));
    if (end) draft.delete(keys.historyEnd(given.id));
    draft.put(keys.vpcKey(given.id), firstKey(context.random, end ? lastVersion(end.value) : 0));
    return { ...given, vni: await takeVni(draft, given, context) };
  },

  async change(draft, { after }) {
    checkRanges(after.cidrs);
    await draft.bump(keys.header(after.id), 1);
    await checkChildren(draft, after);
    return after;
  },

  async remove(draft, object, context) {
    draft.delete(keys.header(object.id));
    const key = await draft.read(keys.vpcKey(object.id));
    draft.delete(keys.vpcKey(object.id));
    draft.deletePrefixes.add(keys.keyHoldersOf(object.id));
    draft.deletePrefixes.add(keys.keyLingerersOf(object.id));
    const end: End = { ...endOf(object, context), key_version: (key && parseKey(key.value)?.version) ?? 0 };
    draft.put(keys.historyEnd(object.id), JSON.stringify(end));
    await draft.bump(keys.quota(object.project_id, "vpcs"), -1);
    await freeUpVni(draft, object, context);
  },
};

/** Of the key that the VPC had when it was deleted: hosts that still hold it must not take it for the new one. */
const lastVersion = (end: string): number => (JSON.parse(end) as End).key_version ?? 0;

function checkRanges(texts: readonly string[]): void {
  const ranges = texts.map(cidr4);
  for (const [i, range] of ranges.entries()) {
    const pointer = `/cidrs/${i}`;
    const reserved = reservedReason(range);
    if (reserved) throw invalid(pointer, reserved);
    const other = ranges.slice(0, i).findIndex((r) => overlaps(r, range));
    if (other >= 0) throw invalid(pointer, `overlaps ${texts[other]}, another range of the VPC`);
  }
}

/** A VPC's networks and next hops stay inside its ranges. */
async function checkChildren(draft: Draft, { id, cidrs, name }: Vpc): Promise<void> {
  const ranges = cidrs.map(cidr4);
  for (const cidr of await siblings(draft, id, "networks"))
    if (!ranges.some((r) => containsRange(r, cidr4(cidr)))) throw leftOut(name, `its network ${cidr}`);
  for (const route of await siblings(draft, id, "routes")) {
    const hop: Cidr4 = { first: ipv4(route.split(" ")[1]!), prefix: 32 };
    if (!ranges.some((r) => containsRange(r, hop))) throw leftOut(name, `the next hop of its route ${route}`);
  }
}

const leftOut = (vpcName: string, what: string) =>
  conflict("in_use", `The new ranges of VPC ${vpcName} leave out ${what}.`, {
    errors: [{ pointer: "/cidrs", detail: `leaves out ${what}` }],
  });

/** What the VPC's networks or routes are compared by: a network's range; a route's destination and next hop. */
export async function siblings(draft: Draft, vpcId: string, plural: "networks" | "routes"): Promise<string[]> {
  const children = await draft.snapshot.under(keys.child(vpcId, plural, ""));
  return [...children.values()].map((child) => child.slice(child.indexOf(" ") + 1));
}
