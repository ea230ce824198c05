import { createHash, timingSafeEqual } from "node:crypto";
import { check, TokenCreate } from "@onehop/api";
import { invalid, notFound, OnehopError } from "@onehop/core";
import { type Entry, keys, type Store } from "@onehop/store";
import { busy, refuseBody } from "../api/refusals.ts";
import { commit } from "../handlers/commit.ts";
import { Draft } from "../handlers/draft.ts";
import type { Context } from "../handlers/handler.ts";
import { referred } from "../handlers/references.ts";
import { Snapshot } from "../handlers/snapshot.ts";
import type { Caller } from "./caller.ts";

/** Hex digits of a token's SHA-256 that are its id. */
const ID_LENGTH = 32;
const SECRET_BYTES = 32;
/** A secret is `oh_` and base64url of 32 random bytes: too many to try, so one round of SHA-256 protects it. */
const SECRET = /^oh_[A-Za-z0-9_-]{43}$/;

/** As stored, under the hash of its secret. */
interface StoredToken {
  readonly name: string;
  readonly role: Caller["role"];
  readonly project_id?: string;
  readonly created_at: string;
}
export type TokenInfo = StoredToken & { readonly id: string };

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");
const hashOf = (entry: Entry): string => entry.key.slice(keys.tokens.length);
const infoOf = (entry: Entry): TokenInfo => ({ id: hashOf(entry).slice(0, ID_LENGTH), ...JSON.parse(entry.value) });

/** Who holds the secret of an Authorization header. The store is asked every time: a revoked token is refused at once. */
export async function callerOf(store: Store, authorization: string | undefined): Promise<Caller> {
  const secret = /^bearer +(\S+)$/i.exec(authorization ?? "")?.[1];
  if (!secret) throw unauthorised("A bearer token is needed.", "Send it as Authorization: Bearer …");
  // The hash is looked up whole, so the time it takes tells nothing of how much of a guess was right.
  const hash = sha256(secret);
  const entry = SECRET.test(secret) ? await store.get(keys.token(hash)) : undefined;
  if (!entry || !timingSafeEqual(Buffer.from(hashOf(entry)), Buffer.from(hash)))
    throw unauthorised("The token is unknown or was revoked.", "An admin makes one: onehop token create.");
  const { id, role, project_id } = infoOf(entry);
  return { id, role, ...(project_id ? { project_id } : {}) };
}

const unauthorised = (message: string, hint: string): OnehopError =>
  new OnehopError({ code: "unauthenticated", status: 401, message, hint });

export async function listTokens(store: Store): Promise<TokenInfo[]> {
  const { entries } = await store.range({ prefix: keys.tokens });
  return entries.map(infoOf).sort((a, b) => (a.created_at < b.created_at ? -1 : 1));
}

const checkToken = check(TokenCreate);

/** Makes a token; its secret is answered here and never again. */
export async function createToken(store: Store, body: unknown, context: Context) {
  refuseBody(checkToken(body));
  const { name, role, project_id } = body as { name: string; role: Caller["role"]; project_id?: string };
  if (role === "admin" && project_id) throw invalid("/project_id", "must be left out: admins see every project");
  if (role !== "admin" && !project_id) throw invalid("/project_id", `is required for the role ${role}`);
  const secret = `oh_${Buffer.from(context.random(SECRET_BYTES)).toString("base64url")}`;
  const hash = sha256(secret);
  const id = hash.slice(0, ID_LENGTH);
  const record: StoredToken = { name, role, ...(project_id ? { project_id } : {}), created_at: context.now() };
  const draft = new Draft(new Snapshot(store));
  if (project_id) {
    await referred(draft, "project", { id: project_id, pointer: "/project_id" }, context);
    draft.put(keys.child(project_id, "tokens", id), id);
  }
  draft.claim({ key: keys.token(hash), value: JSON.stringify(record) });
  const [fate] = await commit(draft.snapshot, [draft]);
  if (!fate || !("done" in fate)) throw busy();
  return { id, ...record, secret };
}

export async function deleteToken(store: Store, id: string): Promise<void> {
  const found = /^[0-9a-f]{32}$/.test(id) ? await store.range({ prefix: keys.token(id), limit: 1 }) : undefined;
  const entry = found?.entries[0];
  if (!entry) throw notFound("token", id);
  const { project_id } = infoOf(entry);
  const then = [{ delete: entry.key }, ...(project_id ? [{ delete: keys.child(project_id, "tokens", id) }] : [])];
  await store.txn({ compare: [], then });
}
