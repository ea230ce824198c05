import Type, { type Static } from "typebox";
import type { Route } from "./routes.ts";

const Fingerprint = Type.String({ pattern: "^[0-9a-f]{64}$", description: "SHA-256 of a certificate" });
const Pem = (description: string) => Type.String({ maxLength: 65_536, description: `${description}, PEM` });
const Id = Type.String({ format: "uuid", description: "the host" });
const Time = Type.String({ format: "date-time" });

/** Longest time that a host may have to join, seconds. */
const INVITE_MAX_S = 7 * 86_400;

export const Invite = Type.Object(
  {
    seconds: Type.Optional(
      Type.Integer({ minimum: 60, maximum: INVITE_MAX_S, default: 3600, description: "how long the host may join" }),
    ),
  },
  { additionalProperties: false },
);
const Invited = Type.Object({
  host_id: Id,
  secret: Type.String({ description: "answered once; good for one joining" }),
  fingerprint: Fingerprint,
  expires_at: Time,
});

export const JoinRequest = Type.Object(
  {
    host_id: Id,
    secret: Type.String({ pattern: "^[A-Za-z0-9_-]{43}$" }),
    request: Type.String({
      maxLength: 4096,
      description: "certificate request (PKCS #10), PEM; its names are not looked at",
    }),
  },
  { additionalProperties: false },
);
const Joined = Type.Object({
  host_id: Id,
  name: Type.String({ description: "the host's" }),
  certificate: Pem("the host's certificate"),
  ca: Pem("the authorities to trust"),
});
export type Joined = Static<typeof Joined>;

const Authority = Type.Object({
  fingerprint: Fingerprint,
  certificate: Pem("its certificate"),
  not_after: Time,
  issues: Type.Boolean({ description: "false: it is trusted, and issues nothing" }),
});
export type AuthorityInfo = Static<typeof Authority>;

const HostCertificate = Type.Object({
  host_id: Id,
  not_after: Time,
  issuer: Fingerprint,
  trusts: Type.Array(Fingerprint),
});
export type HostCertificateInfo = Static<typeof HostCertificate>;

export const joinRoutes: readonly Route[] = [
  {
    id: "hosts.invite",
    method: "POST",
    path: "/v1/hosts/{id}/invitation",
    summary: "Let a host join once; an invitation that it has had is void.",
    who: "admin",
    body: Invite,
    answers: { 201: Invited },
  },
  {
    id: "hosts.revoke",
    method: "DELETE",
    path: "/v1/hosts/{id}/certificate",
    summary: "Revoke the certificates of a host, and its invitation; its streams end at once.",
    who: "admin",
    answers: { 204: null },
  },
  {
    id: "join",
    method: "POST",
    path: "/v1/join",
    summary: "The certificate of a host that was invited, for a key of its own.",
    who: "anyone",
    body: JoinRequest,
    answers: { 200: Joined },
  },
  {
    id: "authorities.list",
    method: "GET",
    path: "/v1/authorities",
    summary: "The authorities of the cluster's certificates, the one that issues first; compare their fingerprints.",
    who: "anyone",
    answers: { 200: Type.Object({ items: Type.Array(Authority) }) },
  },
  {
    id: "certificates.list",
    method: "GET",
    path: "/v1/certificates",
    summary: "Until when hosts have certificates, by which authority, and which authorities they trust.",
    who: "admin",
    answers: { 200: Type.Object({ items: Type.Array(HostCertificate) }) },
  },
];
