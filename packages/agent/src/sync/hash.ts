import { createHash } from "node:crypto";

/** Of a slice's bytes, as controllers make it. */
export const hashOf = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex").slice(0, 32);
