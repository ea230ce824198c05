import { type Link, linkOf, MEMBER_PATH, streamUrl } from "@onehop/core";
import { bearerIn } from "@onehop/pki/names";
import { WebSocket } from "ws";
import type { Keys } from "../join/keyring.ts";

const OPTIONS = { handshakeTimeout: 2000, perMessageDeflate: false } as const;

/** A stream to another controller, at the address where it serves agents; by `tls:` both show that they are controllers. */
export const dialMember = (address: string, keys?: Keys): Link =>
  linkOf(new WebSocket(streamUrl(address, MEMBER_PATH), { ...OPTIONS, ...(keys ? tlsOf(keys) : {}) }));

/** The types of ws know an older form of checkServerIdentity than Node.js, which is who calls it. */
const tlsOf = ({ bundle, certificate, key }: Keys): object => ({
  ca: bundle,
  cert: certificate,
  key,
  minVersion: "TLSv1.3",
  checkServerIdentity,
});

/** Another server of this cluster is told by its role; the address is the one that it gave itself. */
const checkServerIdentity = (_host: string, { subjectaltname }: { readonly subjectaltname?: string }) =>
  bearerIn(subjectaltname)?.role === "controller" ? undefined : new Error("It shows no controller's certificate.");
