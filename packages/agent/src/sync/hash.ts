import { createHash } from "node:crypto";
import { Hashes } from "@onehop/core/plan/content";

/** Of slices, as controllers make them. */
export const hashes = new Hashes((bytes) => createHash("sha256").update(bytes).digest("hex").slice(0, 32));
