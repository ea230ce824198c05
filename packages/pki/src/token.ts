/** What an invited host is given: a secret that is good once, and the SHA-256 of the CA certificate that it may trust. */
export interface JoinToken {
  /** 32 bytes, base64url. */
  readonly secret: string;
  /** Hex. */
  readonly fingerprint: string;
}

const PREFIX = "ohjoin_";
const BYTES = 32;

export const writeToken = ({ secret, fingerprint }: JoinToken): string =>
  PREFIX + Buffer.concat([Buffer.from(secret, "base64url"), Buffer.from(fingerprint, "hex")]).toString("base64url");

/** Undefined: it is no token, or not the whole of one. */
export function readToken(text: string): JoinToken | undefined {
  if (!new RegExp(`^${PREFIX}[A-Za-z0-9_-]+$`).test(text)) return undefined;
  const bytes = Buffer.from(text.slice(PREFIX.length), "base64url");
  if (bytes.length !== 2 * BYTES) return undefined;
  return {
    secret: bytes.subarray(0, BYTES).toString("base64url"),
    fingerprint: bytes.subarray(BYTES).toString("hex"),
  };
}
