/** What an invited host is given: who it is, a secret that is good once, and the authority that it may trust. */
export interface JoinToken {
  /** UUID. */
  readonly host_id: string;
  /** 32 bytes, base64url. */
  readonly secret: string;
  /** SHA-256 of the authority's certificate, hex. */
  readonly fingerprint: string;
}

const PREFIX = "ohjoin_";
const ID_BYTES = 16;
const SECRET_BYTES = 32;
const FINGERPRINT_BYTES = 32;

export const writeToken = ({ host_id, secret, fingerprint }: JoinToken): string => {
  const parts = [Buffer.from(host_id.replaceAll("-", ""), "hex"), Buffer.from(secret, "base64url")];
  return PREFIX + Buffer.concat([...parts, Buffer.from(fingerprint, "hex")]).toString("base64url");
};

/** Undefined: it is no token, or not the whole of one. */
export function readToken(text: string): JoinToken | undefined {
  if (!text.startsWith(PREFIX) || !/^[A-Za-z0-9_-]+$/.test(text)) return undefined;
  const bytes = Buffer.from(text.slice(PREFIX.length), "base64url");
  if (bytes.length !== ID_BYTES + SECRET_BYTES + FINGERPRINT_BYTES) return undefined;
  const id = bytes.subarray(0, ID_BYTES).toString("hex");
  return {
    host_id: id.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-"),
    secret: bytes.subarray(ID_BYTES, ID_BYTES + SECRET_BYTES).toString("base64url"),
    fingerprint: bytes.subarray(ID_BYTES + SECRET_BYTES).toString("hex"),
  };
}
