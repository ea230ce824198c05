import { X509Certificate } from "node:crypto";
import { type AuthorityInfo, check, type HostCertificateInfo, Invite, JoinRequest } from "@onehop/api";
import { notFound } from "@onehop/core";
import { certificatesIn, fingerprintOf } from "@onehop/pki";
import { keys } from "@onehop/store";
import { refuseBody } from "../api/refusals.ts";
import type { App, Serve } from "../http/app.ts";
import { callerIn } from "../http/app.ts";
import { parseCertificate } from "./certificates.ts";
import { invite, join, revoke } from "./invitations.ts";
import type { Keys } from "./keyring.ts";

const checkInvite = check(Invite);
const checkJoin = check(JoinRequest);
const HOUR = 3600;

/** Handlers of invitations and certificates, by route id. */
export function joinHandlers(app: App): Readonly<Record<string, Serve>> {
  const { store, joining } = app;
  const idOf = (request: { params: unknown }) => (request.params as { id: string }).id;
  return {
    "authorities.list": async () => ({ items: authoritiesOf(joining().keys) }),
    "certificates.list": async () => ({ items: await certificatesOf(app) }),
    "hosts.invite": async (request, reply) => {
      refuseBody(checkInvite(request.body ?? {}));
      const hostId = idOf(request);
      const { seconds = HOUR } = (request.body ?? {}) as { seconds?: number };
      const host = await hostIn(app, hostId);
      const invited = await invite(hostId, seconds, joining());
      request.log.info({ who: callerIn(request).id, host: host.name }, "A host was invited.");
      reply.code(201);
      return { host_id: hostId, ...invited };
    },
    "hosts.revoke": async (request, reply) => {
      await revoke(idOf(request), store);
      request.log.info({ who: callerIn(request).id, host: idOf(request) }, "A host's certificates were revoked.");
      return reply.code(204).send();
    },
    join: async (request) => {
      refuseBody(checkJoin(request.body));
      const asked = request.body as { host_id: string; secret: string; request: string };
      const issued = await join(asked, joining());
      const { name } = await hostIn(app, asked.host_id);
      request.log.info({ host: name }, "A host joined.");
      return { host_id: asked.host_id, name, ...issued };
    },
  };
}

async function hostIn({ store }: App, id: string): Promise<{ readonly name: string }> {
  const entry = await store.get(keys.object("hosts", id));
  if (!entry) throw notFound("host", id);
  return JSON.parse(entry.value) as { name: string };
}

function authoritiesOf({ bundle }: Keys): AuthorityInfo[] {
  return certificatesIn(bundle).map((certificate, i) => ({
    fingerprint: fingerprintOf(certificate),
    certificate,
    not_after: new Date(new X509Certificate(certificate).validTo).toISOString(),
    issues: i === 0,
  }));
}

async function certificatesOf({ store }: App): Promise<HostCertificateInfo[]> {
  const { entries } = await store.range({ prefix: keys.hostCertificates });
  return entries.flatMap(({ key, value }) => {
    const certificate = parseCertificate(value);
    if (!certificate) return [];
    const { join: _, ...shown } = certificate;
    return [{ host_id: key.slice(keys.hostCertificates.length), ...shown }];
  });
}
