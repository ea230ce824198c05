import { MAX_TXN_BYTES, MemoryStore } from "@onehop/store";
import { describe, expect, it } from "vitest";
import { commit, groups } from "../src/handlers/commit.ts";
import { Draft } from "../src/handlers/draft.ts";
import { Snapshot } from "../src/handlers/snapshot.ts";

describe("drafts that share a transaction", () => {
  const store = new MemoryStore();
  const snapshot = new Snapshot(store);
  /** Puts one key of so many bytes. */
  const draft = (name: string, bytes: number): Draft => {
    const made = new Draft(snapshot);
    made.put(`/big/${name}`, "ä".repeat(bytes / 2));
    return made;
  };

  it("are grouped by their bytes as well as by their number, in order, and each group is written", async () => {
    const drafts = Array.from({ length: 10 }, (_, i) => draft(String(i), 400_000));
    const made = groups(drafts);
    expect(made.map((group) => group.length)).toEqual([2, 2, 2, 2, 2]);
    expect(made.flat()).toEqual(drafts);
    for (const group of made)
      expect(await commit(snapshot, group)).toEqual(group.map(() => ({ done: expect.any(Number) })));
    expect((await store.range({ prefix: "/big/", keysOnly: true })).entries).toHaveLength(10);
  });

  it("leave one that is too large alone, which the store then refuses without harm to the others", async () => {
    const drafts = [draft("a", 10), draft("b", 2 * MAX_TXN_BYTES), draft("c", 10)];
    expect(groups(drafts).map((group) => group.length)).toEqual([1, 1, 1]);
    await expect(commit(snapshot, [drafts[1]!])).rejects.toMatchObject({ code: "too_large" });
    await commit(snapshot, [drafts[2]!]);
    expect((await store.get("/big/c"))?.value).toHaveLength(5);
  });
});
