import { createHash, timingSafeEqual, X509Certificate } from "node:crypto";
import { conflict, notFound, OnehopError } from "@onehop/core";
import { certificatesIn, fingerprintOf, issueHost, type ReadRequest, readRequest } from "@onehop/pki";
import { type Entry, keys, type Op, type Store } from "@onehop/store";
import type { Random } from "../handlers/handler.ts";
import { type HostCertificate, parseCertificate } from "./certificates.ts";
import type { Keys } from "./keyring.ts";

export interface JoinContext {
  readonly store: Store;
  readonly keys: Keys;
  readonly random: Random;
  /** Milliseconds since the epoch. */
  readonly wall: () => number;
}

/** As stored, for as long as the host may join. */
interface Invitation {
  /** SHA-256 of the secret, hex. */
  readonly secret: string;
  readonly lease: string;
  /** Once it was used: by which key, and as which joining. The same key may ask again, where the answer was lost. */
  readonly used?: { readonly key: string; readonly join: string };
}

export interface Invited {
  readonly secret: string;
  /** SHA-256 of the authority that the host may trust. */
  readonly fingerprint: string;
  readonly expires_at: string;
}

export interface Issued {
  readonly certificate: string;
  /** Authorities to trust. */
  readonly ca: string;
}

const SECRET_BYTES = 32;
const JOIN_BYTES = 8;
const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");
const iso = (milliseconds: number): string => new Date(milliseconds).toISOString();

/** Invites a host for so many seconds; one that it has had is void. Its certificates stay good until it joins. */
export async function invite(hostId: string, seconds: number, context: JoinContext): Promise<Invited> {
  const { store, random, wall } = context;
  const { certificate } = authorityOf(context.keys);
  const secret = Buffer.from(random(SECRET_BYTES)).toString("base64url");
  const lease = await store.grantLease(seconds);
  const value = JSON.stringify({ secret: sha256(secret), lease } satisfies Invitation);
  await guarded(store, hostId, [{ put: keys.invitation(hostId), value, lease }]);
  return { secret, fingerprint: fingerprintOf(certificate), expires_at: iso(wall() + seconds * 1000) };
}

/** A host's first certificate, for what it was given by `invite`. From then on those of an earlier joining are void. */
export async function join(
  asked: { readonly host_id: string; readonly secret: string; readonly request: string },
  context: JoinContext,
): Promise<Issued> {
  const { store, random } = context;
  const entry = await store.get(keys.invitation(asked.host_id));
  const invitation = entry && invitationOf(entry);
  if (!entry || !invitation || !same(invitation.secret, sha256(asked.secret))) throw notInvited();
  const request = await mustRead(asked.request);
  const used = invitation.used ?? {
    key: request.keyHash,
    join: Buffer.from(random(JOIN_BYTES)).toString("hex"),
  };
  if (used.key !== request.keyHash) throw notInvited();
  const { issued, op } = await issueFor({ id: asked.host_id, join: used.join }, request, context);
  const mark: Op = {
    put: entry.key,
    value: JSON.stringify({ ...invitation, used } satisfies Invitation),
    lease: invitation.lease,
  };
  await guarded(store, asked.host_id, [op, mark], entry);
  return issued;
}

/** The next certificate of a host that has shown a good one. */
export async function renew(
  host: { readonly id: string; readonly join: string },
  pem: string,
  context: JoinContext,
): Promise<Issued> {
  const { store } = context;
  const entry = await store.get(keys.hostCertificate(host.id));
  if (!entry || parseCertificate(entry.value)?.join !== host.join) throw notInvited();
  const { issued, op } = await issueFor(host, await mustRead(pem), context);
  await guarded(store, host.id, [op], entry);
  return issued;
}

/** Ends all certificates and the invitation of a host, for good. */
export async function revoke(hostId: string, store: Store): Promise<void> {
  await guarded(store, hostId, [{ delete: keys.hostCertificate(hostId) }, { delete: keys.invitation(hostId) }]);
}

async function issueFor(
  host: { readonly id: string; readonly join: string },
  request: ReadRequest,
  { keys: { bundle, ...own }, wall }: JoinContext,
): Promise<{ issued: Issued; op: Op }> {
  const authority = authorityOf(own);
  const certificate = await issueHost(authority, request, host, new Date(wall()));
  const { validTo } = new X509Certificate(certificate);
  const record: HostCertificate = {
    join: host.join,
    not_after: iso(Date.parse(validTo)),
    issuer: fingerprintOf(authority.certificate),
    trusts: certificatesIn(bundle).map(fingerprintOf),
  };
  const op = { put: keys.hostCertificate(host.id), value: JSON.stringify(record) };
  return { issued: { certificate, ca: bundle }, op };
}

/** Writes only while the host is there, and `read` is as it was read. */
async function guarded(store: Store, hostId: string, then: readonly Op[], read?: Entry): Promise<void> {
  const host = keys.object("hosts", hostId);
  const compare = [{ exists: host }, ...(read ? [{ key: read.key, mod_revision: read.mod_revision }] : [])];
  if ((await store.txn({ compare, then })).ok) return;
  if (!(await store.get(host))) throw notFound("host", hostId);
  throw conflict("changed_meanwhile", "The host joined or was invited meanwhile.", { retry_after: 1 });
}

function authorityOf({ authority }: Pick<Keys, "authority">) {
  if (authority) return authority;
  throw new OnehopError({
    code: "no_authority",
    status: 503,
    message: "This controller has no key of the cluster's authority, so that it issues no certificates.",
    hint: "Ask one that has: with --pki, and ca.key in that folder.",
  });
}

async function mustRead(pem: string): Promise<ReadRequest> {
  const request = await readRequest(pem);
  if (request) return request;
  throw new OnehopError({
    code: "bad_request_for_certificate",
    status: 400,
    message: "This is no certificate request (PKCS #10) that is signed by its own P-256 key.",
  });
}

function invitationOf(entry: Entry): Invitation | undefined {
  try {
    const value = JSON.parse(entry.value) as Partial<Invitation>;
    return typeof value.secret === "string" && typeof value.lease === "string" ? (value as Invitation) : undefined;
  } catch {
    return undefined;
  }
}

const same = (a: string, b: string): boolean =>
  a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b));

/** One sentence for all that can be wrong with a token: who guesses learns nothing. */
const notInvited = (): OnehopError =>
  new OnehopError({
    code: "not_invited",
    status: 403,
    message: "The host is not invited: the token is unknown, was used, or has expired.",
    hint: "An admin makes another: onehop host invite NAME.",
  });
