import { createHash } from "node:crypto";
import { OnehopError } from "@onehop/core";
import { type Entry, keys } from "@onehop/store";
import type { Leases } from "../allocate/leases.ts";
import type { Draft } from "../handlers/draft.ts";
import type { Thing } from "../handlers/index.ts";
import type { Snapshot } from "../handlers/snapshot.ts";

/** Seconds for which a first answer is remembered. */
const DAY = 86_400;

/** A request that may come again: whose it is, its key, and what it asks. */
export interface Retryable {
  readonly who: string;
  readonly key: string;
  readonly hash: string;
}

/** The first answer. Its object's revision is that of the record itself, since both were written at once. */
export interface Remembered {
  readonly status: number;
  readonly body: Thing | null;
  readonly revision: number;
}

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");

/** What identifies a request's content: method, path and body, whatever the order of its fields. */
export const requestHash = (method: string, path: string, body: unknown): string =>
  sha256(`${method} ${path} ${JSON.stringify(body, sorted) ?? ""}`);

const sorted = (_key: string, value: unknown): unknown =>
  typeof value === "object" && value !== null && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
    : value;

/** Where the answer to the request is remembered. */
export const keyOf = ({ who, key }: Retryable): string => keys.idempotency(who, sha256(key));

/** The answer this request got before; 422 where the key was used for another one. */
export async function remembered(snapshot: Snapshot, request: Retryable): Promise<Remembered | undefined> {
  const entry: Entry | undefined = await snapshot.get(keyOf(request));
  if (!entry) return undefined;
  const record = JSON.parse(entry.value) as { request_hash: string; status: number; body: Thing | null };
  if (record.request_hash !== request.hash)
    throw new OnehopError({
      code: "idempotency_key_reused",
      status: 422,
      message: "This Idempotency-Key was used for another request.",
      hint: "Use a new key for each new request, and the same one only to retry.",
    });
  return { status: record.status, body: record.body, revision: entry.mod_revision };
}

/** Stores the answer in the transaction that does the work: both happen or neither. */
export async function remember(
  draft: Draft,
  request: Retryable,
  answer: { status: number; body: Thing | null },
  leases: Leases,
): Promise<void> {
  const value = JSON.stringify({ request_hash: request.hash, ...answer });
  draft.claim({ key: keyOf(request), value, lease: await leases.lease(DAY) });
}
