import { constants } from "node:crypto";
import type { TlsOptions } from "node:tls";
import type { Keys } from "./keyring.ts";

/**
 * Of a server with the cluster's keys. Where certificates are asked for, bad ones are let in: the doorman refuses them with
 * a sentence, which a broken handshake has not.
 */
export function serverTls(keys: Keys, clients: "ask for certificates" | "ask nothing"): TlsOptions {
  return {
    cert: keys.certificate,
    key: keys.key,
    ca: keys.bundle,
    requestCert: clients === "ask for certificates",
    rejectUnauthorized: false,
    minVersion: "TLSv1.3",
    // A resumed session would not be checked against the authorities of now.
    secureOptions: constants.SSL_OP_NO_TICKET,
  };
}
