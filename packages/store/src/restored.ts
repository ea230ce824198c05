import { StoreError } from "./store.ts";

/** `seen`: the revision that the store had, as far as its reader knows. */
export const restored = (seen: number, now: number): StoreError =>
  new StoreError(
    "restored",
    `The store is at revision ${now} and was at ${seen}: it was put back to an earlier state.`,
    now,
  );
