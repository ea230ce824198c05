import { expect, it } from "vitest";
import { MAX_OPS, StoreError } from "../src/store.ts";
import { collect, commit, type Own, put, rejection, space } from "./helpers.ts";

export function watching(own: Own): void {
  it("tells every change after a revision once, in order, in whole transactions, past and to come", async () => {
    const { s, p } = own();
    const before = await put(s, `${p}seen-before`, "");
    const expected: string[] = [];
    const write = async (i: number) => {
      const wanted = [0, 1, 2].map((j) => ({ put: `${p}${i}-${j}`, value: "" }));
      const revision = await commit(s, wanted);
      expected.push(...wanted.map((o) => `${o.put}@${revision}`));
      await put(s, `/elsewhere${p}`, "");
    };
    for (let i = 0; i < 20; i++) await write(i);
    const watched = collect(s, { p, after: before }, (seen) => seen.length >= 120);
    for (let i = 20; i < 40; i++) await write(i);
    const { batches, seen } = await watched;
    expect(seen.map((c) => `${c.key}@${c.entry?.mod_revision}`)).toEqual(expected);
    for (const { changes, revision } of batches) {
      expect(changes.length % 3).toBe(0);
      expect(revision).toBeGreaterThanOrEqual(changes.at(-1)?.entry?.mod_revision as number);
    }
  });

  it("tells deletions, and a key that comes and goes between two looks", async () => {
    const { s, p } = own();
    const before = await put(s, `${p}a`, "1");
    await commit(s, [{ delete: `${p}a` }]);
    await put(s, `${p}a`, "2");
    await commit(s, [{ deletePrefix: p }]);
    const { seen } = await collect(s, { p, after: before }, (c) => c.length >= 3);
    expect(seen.map((c) => c.entry?.value)).toEqual([undefined, "2", undefined]);
  });

  it("keeps large transactions whole for a watcher that comes late", async () => {
    const { s, p } = own();
    const before = await put(s, p, "");
    const value = "x".repeat(9_000);
    for (let i = 0; i < 10; i++)
      await commit(
        s,
        Array.from({ length: MAX_OPS }, (_, j) => ({ put: `${p}${i}/${j}`, value })),
      );
    const { batches } = await collect(s, { p, after: before }, (c) => c.length >= 10 * MAX_OPS);
    expect(batches.map((b) => b.changes.length % MAX_OPS)).toEqual(batches.map(() => 0));
    expect(batches.reduce((sum, b) => sum + b.changes.length, 0)).toBe(10 * MAX_OPS);
  });

  it("serves several watchers of one prefix alike, also one that is slow", async () => {
    const { s, p } = own();
    const before = await put(s, p, "");
    const all = [0, 1, 2].map(() => collect(s, { p, after: before }, (c) => c.length >= 30));
    for (let i = 0; i < 30; i++) await put(s, `${p}${i}`, "");
    const slow = collect(s, { p, after: before }, (c) => c.length >= 30);
    const seen = (await Promise.all([...all, slow])).map((r) => r.seen.map((c) => c.key).join());
    expect(new Set(seen).size).toBe(1);
  });

  it("tells a watcher of a quiet prefix how far it is", async () => {
    const { s, p } = own();
    const before = await put(s, `${p}a`, "");
    const elsewhere = await put(s, space(), "");
    for await (const batch of s.watch(p, before, new AbortController().signal)) {
      expect(batch.changes).toEqual([]);
      if (batch.revision >= elsewhere) break;
    }
  });

  it("ends quietly by its signal, also one that aborted before", async () => {
    const { s, p } = own();
    const revision = await put(s, p, "");
    const end = new AbortController();
    const watched = (async () => {
      for await (const _ of s.watch(p, revision, end.signal)) end.abort();
    })();
    await put(s, p, "again");
    await watched;
    for await (const _ of s.watch(p, 0, AbortSignal.abort())) throw new Error("told something");
  });
}

export function compaction(own: Own): void {
  it("answers compacted, with the oldest revision, to reads and watches from before, and serves those from after", async () => {
    const { s, p } = own();
    const first = await put(s, `${p}a`, "1");
    await put(s, `${p}a`, "2");
    const oldest = await commit(s, [{ delete: `${p}a` }]);
    const last = await put(s, `${p}b`, "3");
    await s.compact(oldest);
    await s.compact(first);
    const wanted = { name: "StoreError", code: "compacted", revision: oldest };
    expect(await rejection(s.range({ prefix: p, revision: first }))).toMatchObject(wanted);
    expect(await rejection(collect(s, { p, after: first }, () => true))).toMatchObject(wanted);
    expect(await rejection(collect(s, { p, after: oldest - 1 }, () => true))).toMatchObject(wanted);
    expect((await s.range({ prefix: p, revision: oldest })).entries).toEqual([]);
    const { seen } = await collect(s, { p, after: oldest }, (c) => c.length > 0);
    expect(seen.map((c) => c.entry?.mod_revision)).toEqual([last]);
  });

  it("keeps what is there through a compaction", async () => {
    const { s, p } = own();
    const made = await put(s, `${p}a`, "1");
    await commit(s, [{ put: `${p}b`, value: "" }]);
    await s.compact(await commit(s, [{ delete: `${p}b` }]));
    expect((await s.range({ prefix: p })).entries).toEqual([
      { key: `${p}a`, value: "1", create_revision: made, mod_revision: made },
    ]);
    await expect(s.compact(1_000_000_000)).rejects.toBeInstanceOf(RangeError);
  });
}

export function leases(own: Own, leasesEnd: () => Promise<void>): void {
  it("deletes the keys of a lease when it ends, and tells watchers in one transaction", async () => {
    const { s, p } = own();
    const lease = await s.grantLease(1);
    const before = await commit(s, [
      { put: `${p}a`, value: "", lease },
      { put: `${p}b`, value: "", lease },
      { put: `${p}stays`, value: "" },
    ]);
    const watched = collect(s, { p, after: before }, (c) => c.length >= 2);
    expect(await s.keepAlive(lease)).toBe(true);
    await leasesEnd();
    const { batches } = await watched;
    expect(batches.map((b) => b.changes.map((c) => [c.key, c.entry]))).toEqual([
      [
        [`${p}a`, undefined],
        [`${p}b`, undefined],
      ],
    ]);
    expect((await s.range({ prefix: p })).entries.map((e) => e.key)).toEqual([`${p}stays`]);
    expect(await s.keepAlive(lease)).toBe(false);
  });

  it("deletes them at once when it is revoked, and takes a second revocation", async () => {
    const { s, p } = own();
    const lease = await s.grantLease(60);
    await commit(s, [{ put: p, value: "", lease }]);
    await s.revokeLease(lease);
    expect(await s.get(p)).toBeUndefined();
    await s.revokeLease(lease);
    expect(await s.keepAlive(lease)).toBe(false);
  });

  it("frees a key that is written again without the lease", async () => {
    const { s, p } = own();
    const lease = await s.grantLease(60);
    await commit(s, [{ put: p, value: "1", lease }]);
    await put(s, p, "2");
    await s.revokeLease(lease);
    expect((await s.get(p))?.value).toBe("2");
  });

  it("refuses a write under a lease that is gone, and does nothing of its transaction", async () => {
    const { s, p } = own();
    const lease = await s.grantLease(60);
    await s.revokeLease(lease);
    const error = await rejection(
      commit(s, [
        { put: `${p}a`, value: "" },
        { put: `${p}b`, value: "", lease },
      ]),
    );
    expect(error).toBeInstanceOf(StoreError);
    expect(error).toMatchObject({ code: "lease_gone" });
    expect((await s.range({ prefix: p })).entries).toEqual([]);
  });
}
