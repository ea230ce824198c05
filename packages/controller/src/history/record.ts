import { deflateRawSync, inflateRawSync } from "node:zlib";
import type { At, Kind, Noun } from "@onehop/core";
import { keys, type Op } from "@onehop/store";
import type { Context } from "../handlers/handler.ts";
import type { Thing } from "../handlers/index.ts";

/** What happened to one object of a VPC. No `before`: it was created; no `after`: deleted. */
export interface Change {
  /** RFC 3339, UTC. */
  readonly at: string;
  /** "root", or a token's id. */
  readonly who: string;
  readonly kind: Kind;
  readonly id: string;
  readonly before?: Thing;
  readonly after?: Thing;
  /** The revision that a rollback brought back. */
  readonly restores?: number;
}

/** What one transaction changed in one VPC. Its revision is that of its key. */
export interface Record {
  readonly changes: readonly Change[];
}

/** A change, and whose history it belongs to. */
export interface Note {
  readonly vpcId: string;
  /** Makes the record's key unique. */
  readonly stamp: string;
  readonly change: Change;
}

/** The note of an object's change; undefined where the object is part of no VPC. */
export function noteOf(
  noun: Noun,
  { before, after }: { before?: At<Thing>; after?: Thing },
  context: Context,
): Note | undefined {
  const object = after ?? before;
  const vpcId = object && (noun.kind === "vpc" ? object.id : object.vpc_id);
  if (!object || typeof vpcId !== "string") return undefined;
  const at = context.now();
  const change: Change = {
    at,
    who: context.caller.id,
    kind: noun.kind,
    id: object.id,
    ...(before ? { before: withoutRevision(before) } : {}),
    ...(after ? { after } : {}),
    ...(context.restoring === undefined ? {} : { restores: context.restoring }),
  };
  return { vpcId, stamp: `${at}-${Buffer.from(context.random(8)).toString("hex")}`, change };
}

const withoutRevision = ({ revision: _, ...object }: At<Thing>): Thing => object;

/** Puts of the records of one transaction: one a VPC. */
export function recordsOf(notes: readonly Note[]): Op[] {
  const records = new Map<string, { stamp: string; changes: Change[] }>();
  for (const { vpcId, stamp, change } of notes) {
    const record = records.get(vpcId) ?? { stamp, changes: [] };
    record.changes.push(change);
    records.set(vpcId, record);
  }
  return [...records].map(([vpcId, { stamp, changes }]) => ({
    put: keys.history(vpcId, stamp),
    value: textOf({ changes: joined(changes) }),
  }));
}

/** Characters from which on a record is worth packing: many objects of one request are much alike. */
const LONG = 4000;
/** Before one that is packed: its JSON, deflated (RFC 1951), in base64. */
const PACKED = "deflate ";

/** As it is stored. */
export function textOf(record: Record): string {
  const text = JSON.stringify(record);
  return text.length < LONG ? text : PACKED + deflateRawSync(text, { level: 1 }).toString("base64");
}

/** As it was stored. */
export function recordOf(text: string): Record {
  if (!text.startsWith(PACKED)) return JSON.parse(text);
  return JSON.parse(inflateRawSync(Buffer.from(text.slice(PACKED.length), "base64")).toString());
}

/** Changes of the same object become one; what came and went within them is left out. */
export function joined(changes: readonly Change[]): Change[] {
  const byId = new Map<string, Change>();
  for (const change of changes) {
    const first = byId.get(change.id);
    if (!first) byId.set(change.id, change);
    else {
      const { before: _, ...rest } = change;
      byId.set(change.id, { ...rest, ...(first.before ? { before: first.before } : {}) });
    }
  }
  return [...byId.values()].filter((c) => c.before || c.after);
}
