import { STREAM_PATH, streamUrl } from "@onehop/core";
import { type ClientOptions, WebSocket } from "ws";
import type { Identity } from "../join/identity.ts";

/** Opens a stream; by `tls:` with the certificate that the host has now. Throws with a sentence where it has none. */
export function dial(address: string, options: ClientOptions, identity: Identity | undefined): WebSocket {
  const url = streamUrl(address, STREAM_PATH);
  if (!address.startsWith("tls:")) return new WebSocket(url, options);
  if (!identity) throw new Error(`${address}: this host has not joined; onehop agent join TOKEN lets it.`);
  // The types of ws know an older form of checkServerIdentity than Node.js, which is who calls it.
  return new WebSocket(url, { ...options, ...(identity.tls as object) });
}
