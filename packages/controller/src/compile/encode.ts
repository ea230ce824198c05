import { createHash } from "node:crypto";
import { Hashes } from "@onehop/core/plan/content";

/** Half a SHA-256, hex: equal content has equal hash, whoever compiled it. */
export const hashOf = (content: string | Uint8Array): string =>
  createHash("sha256").update(content).digest("hex").slice(0, 32);

/** Of slices. */
export const hashes = new Hashes(hashOf);
