import { randomBytes } from "node:crypto";
import type { Random } from "./handlers/handler.ts";

const POOL_BYTES = 4096;

/** Random bytes of the system's generator, fetched many at a time: a port takes a few, and fetching costs most. */
export function pooledRandom(fetch: Random = randomBytes): Random {
  let pool: Uint8Array = new Uint8Array(0);
  let used = 0;
  return (bytes) => {
    if (bytes > POOL_BYTES) return fetch(bytes);
    if (used + bytes > pool.length) {
      pool = fetch(POOL_BYTES);
      used = 0;
    }
    // A copy: slices of a Buffer are none.
    const taken = new Uint8Array(pool.subarray(used, used + bytes));
    // What was given out may become a secret.
    pool.fill(0, used, used + bytes);
    used += bytes;
    return taken;
  };
}
