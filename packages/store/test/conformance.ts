import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Change, MAX_OPS, type Op, type Store, StoreError, type WatchBatch } from "../src/store.ts";

export interface Subject {
  readonly store: Store;
  /** Lets time pass for leases of a second. */
  leasesEnd(): Promise<void>;
  close(): Promise<void>;
}

let spaces = 0;
/** A prefix of its own for each test: the tests share a store and its revisions. */
export const space = () => `/t${++spaces}/`;

/** Every promise of the Store interface, in the words of store.ts; run against each implementation. */
export function conformance(name: string, make: () => Promise<Subject>): void {
  describe(name, () => {
    let subject: Subject;
    const own = () => ({ s: subject.store, p: space() });
    beforeAll(async () => {
      subject = await make();
    });
    afterAll(async () => {
      await subject?.close();
    });
    reading(own);
    transactions(own);
    limits(own);
    races(own);
    watching(own);
    compaction(own);
    leases(own, () => subject.leasesEnd());
  });
}

type Own = () => { s: Store; p: string };

export const put = (s: Store, key: string, value: string) => commit(s, [{ put: key, value }]);
export const commit = async (s: Store, then: Op[]) => (await s.txn({ compare: [], then })).revision;

/** Reads a watch until `enough` of all changes so far, then ends it. */
export async function collect(s: Store, from: { p: string; after: number }, enough: (seen: Change[]) => boolean) {
  const end = new AbortController();
  const batches: WatchBatch[] = [];
  const seen: Change[] = [];
  for await (const batch of s.watch(from.p, from.after, end.signal)) {
    if (batch.changes.length > 0) batches.push(batch);
    seen.push(...batch.changes);
    if (enough(seen)) break;
  }
  return { batches, seen };
}

const rejection = async (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => undefined,
    (error: unknown) => error,
  );

function reading(own: Own): void {
  it("answers undefined for a key that is not there, and what was written for one that is", async () => {
    const { s, p } = own();
    expect(await s.get(`${p}a`)).toBeUndefined();
    const revision = await put(s, `${p}a`, "größer ✓");
    expect(await s.get(`${p}a`)).toEqual({
      key: `${p}a`,
      value: "größer ✓",
      create_revision: revision,
      mod_revision: revision,
    });
  });

  it("keeps the create revision over changes and begins anew after a deletion", async () => {
    const { s, p } = own();
    const first = await put(s, `${p}a`, "1");
    const second = await put(s, `${p}a`, "2");
    expect(second).toBeGreaterThan(first);
    expect(await s.get(`${p}a`)).toMatchObject({ create_revision: first, mod_revision: second });
    await commit(s, [{ delete: `${p}a` }]);
    const third = await put(s, `${p}a`, "3");
    expect(await s.get(`${p}a`)).toMatchObject({ create_revision: third, mod_revision: third });
  });

  it("ranges over a prefix, in the order of the keys, from a key on, without values, and tells whether there is more", async () => {
    const { s, p } = own();
    for (const k of ["b/2", "a", "b/1", "c", "b/3"]) await put(s, p + k, k);
    const names = async (query: object) => (await s.range({ prefix: p, ...query })).entries.map((e) => e.key);
    expect(await names({})).toEqual(["a", "b/1", "b/2", "b/3", "c"].map((k) => p + k));
    expect(await names({ prefix: `${p}b/` })).toEqual(["b/1", "b/2", "b/3"].map((k) => p + k));
    expect(await names({ prefix: `${p}b/`, from: `${p}b/2` })).toEqual(["b/2", "b/3"].map((k) => p + k));
    expect(await s.range({ prefix: p, limit: 2 })).toMatchObject({ more: true });
    expect(await s.range({ prefix: p, limit: 5 })).toMatchObject({ more: false });
    const { entries } = await s.range({ prefix: p, keysOnly: true });
    expect(entries.map((e) => e.value)).toEqual(["", "", "", "", ""]);
  });

  it("pages over one revision while writes go on", async () => {
    const { s, p } = own();
    await commit(
      s,
      Array.from({ length: 50 }, (_, i) => ({ put: `${p}${String(i).padStart(2, "0")}`, value: "old" })),
    );
    const first = await s.range({ prefix: p, limit: 7 });
    const keys = first.entries.map((e) => e.key);
    for (let page = first; page.more; ) {
      // Before and after the place, at it, and gone: none of it may be seen.
      await commit(s, [
        { put: `${p}00`, value: "new" },
        { put: `${keys.at(-1)}-next`, value: "new" },
        { delete: `${p}49` },
      ]);
      page = await s.range({ prefix: p, limit: 7, from: `${keys.at(-1)}\0`, revision: first.revision });
      expect(page.revision).toBe(first.revision);
      expect(page.entries.every((e) => e.value === "old")).toBe(true);
      keys.push(...page.entries.map((e) => e.key));
    }
    expect(keys).toEqual(Array.from({ length: 50 }, (_, i) => `${p}${String(i).padStart(2, "0")}`));
  });

  it("lists more keys than one answer holds, all at one revision", async () => {
    const { s, p } = own();
    for (let i = 0; i < 5_120; i += MAX_OPS)
      await commit(
        s,
        Array.from({ length: MAX_OPS }, (_, j) => ({ put: `${p}${i + j}`, value: "" })),
      );
    const { entries, more } = await s.range({ prefix: p });
    expect([new Set(entries.map((e) => e.key)).size, more]).toEqual([5_120, false]);
    expect((await s.range({ prefix: p, limit: 5_100 })).entries.length).toBe(5_100);
  });

  it("refuses a revision of the future", async () => {
    const { s, p } = own();
    await expect(s.range({ prefix: p, revision: 1_000_000_000 })).rejects.toBeInstanceOf(RangeError);
  });
}

function transactions(own: Own): void {
  it("does a transaction wholly or not at all, by every kind of compare", async () => {
    const { s, p } = own();
    const made = await put(s, `${p}a`, "1");
    const changed = await put(s, `${p}a`, "2");
    const rows: [boolean, Parameters<Store["txn"]>[0]["compare"]][] = [
      [true, []],
      [true, [{ absent: `${p}none` }]],
      [false, [{ absent: `${p}a` }]],
      [true, [{ exists: `${p}a` }]],
      [false, [{ exists: `${p}none` }]],
      [true, [{ key: `${p}a`, mod_revision: changed }]],
      [false, [{ key: `${p}a`, mod_revision: made }]],
      [true, [{ key: `${p}none`, mod_revision: 0 }]],
      [true, [{ key: `${p}a`, create_revision: made }]],
      [false, [{ key: `${p}a`, create_revision: changed }]],
      [true, [{ nonePrefixed: `${p}child/` }]],
      [false, [{ nonePrefixed: p }]],
      [false, [{ exists: `${p}a` }, { absent: `${p}a` }]],
    ];
    for (const [i, [ok, compare]] of rows.entries()) {
      const q = space();
      const done = await s.txn({
        compare,
        then: [
          { put: `${q}1`, value: "" },
          { put: `${q}2`, value: "" },
        ],
      });
      expect([i, done.ok, (await s.range({ prefix: q })).entries.length]).toEqual([i, ok, ok ? 2 : 0]);
    }
  });

  it("refuses to delete a parent while a child is there, and lets it go after", async () => {
    const { s, p } = own();
    await commit(s, [
      { put: `${p}parent`, value: "" },
      { put: `${p}child/parent/1`, value: "" },
    ]);
    const remove = { compare: [{ nonePrefixed: `${p}child/parent/` }], then: [{ delete: `${p}parent` }] };
    expect((await s.txn(remove)).ok).toBe(false);
    await commit(s, [{ delete: `${p}child/parent/1` }]);
    expect((await s.txn(remove)).ok).toBe(true);
    expect(await s.get(`${p}parent`)).toBeUndefined();
  });

  it("gives all changes of a transaction one revision, and none to one that changes nothing", async () => {
    const { s, p } = own();
    await put(s, `${p}x/1`, "");
    const revision = await commit(s, [{ put: `${p}a`, value: "" }, { delete: `${p}x/1` }, { put: `${p}b`, value: "" }]);
    expect((await s.range({ prefix: p })).entries.map((e) => [e.key, e.mod_revision])).toEqual([
      [`${p}a`, revision],
      [`${p}b`, revision],
    ]);
    expect(await commit(s, [{ delete: `${p}none` }, { deletePrefix: `${p}none/` }])).toBe(revision);
    expect((await s.txn({ compare: [{ absent: `${p}a` }], then: [{ delete: `${p}a` }] })).revision).toBe(revision);
  });

  it("deletes by prefix, and what two operations delete once", async () => {
    const { s, p } = own();
    const before = await commit(
      s,
      ["x/1", "x/2", "y"].map((k) => ({ put: p + k, value: "" })),
    );
    const seen = collect(s, { p, after: before }, (c) => c.length >= 3);
    await commit(s, [{ delete: `${p}x/2` }, { deletePrefix: `${p}x/` }]);
    await put(s, `${p}end`, "");
    expect((await seen).seen.map((c) => c.key)).toEqual([`${p}x/2`, `${p}x/1`, `${p}end`]);
    expect((await s.range({ prefix: p })).entries.map((e) => e.key)).toEqual([`${p}end`, `${p}y`]);
  });
}

function limits(own: Own): void {
  const ops = (p: string, n: number): Op[] => Array.from({ length: n }, (_, i) => ({ put: `${p}${i}`, value: "" }));

  it("takes MAX_OPS operations and compares and refuses one more with a sentence", async () => {
    const { s, p } = own();
    const compare = Array.from({ length: MAX_OPS }, (_, i) => ({ absent: `${p}${i}` }));
    expect((await s.txn({ compare, then: ops(p, MAX_OPS) })).ok).toBe(true);
    const many = s.txn({ compare: [], then: ops(p, MAX_OPS + 1) });
    await expect(many).rejects.toThrow("a transaction has 129 operations; the most is 128");
    const compares = s.txn({ compare: [...compare, { exists: p }], then: [] });
    await expect(compares).rejects.toThrow("a transaction has 129 compares; the most is 128");
  });

  it("refuses a transaction that writes a key twice, or writes and deletes it", async () => {
    const { s, p } = own();
    const one = { put: `${p}a`, value: "" };
    await expect(s.txn({ compare: [], then: [one, one] })).rejects.toBeInstanceOf(RangeError);
    await expect(s.txn({ compare: [], then: [one, { delete: `${p}a` }] })).rejects.toBeInstanceOf(RangeError);
    await expect(s.txn({ compare: [], then: [one, { deletePrefix: p }] })).rejects.toBeInstanceOf(RangeError);
    expect(await s.get(`${p}a`)).toBeUndefined();
  });

  it("refuses a value of 10 MB as too large and stores nothing", async () => {
    const { s, p } = own();
    const error = await rejection(put(s, `${p}a`, "x".repeat(10_000_000)));
    expect(error).toMatchObject({ name: "StoreError", code: "too_large" });
    expect(await s.get(`${p}a`)).toBeUndefined();
  });
}

function races(own: Own): void {
  it("lets exactly one of many concurrent creations and of many concurrent changes win", async () => {
    const { s, p } = own();
    const wins = async (attempt: (i: number) => Parameters<Store["txn"]>[0]) =>
      (await Promise.all(Array.from({ length: 50 }, (_, i) => s.txn(attempt(i))))).filter((r) => r.ok).length;
    const value = (i: number) => [{ put: `${p}a`, value: String(i) }];
    expect(await wins((i) => ({ compare: [{ absent: `${p}a` }], then: value(i) }))).toBe(1);
    const mod_revision = (await s.get(`${p}a`))?.mod_revision as number;
    expect(await wins((i) => ({ compare: [{ key: `${p}a`, mod_revision }], then: value(i) }))).toBe(1);
  });

  it("loses no increment of a counter that eight raise at once", async () => {
    const { s, p } = own();
    const raise = async (): Promise<void> => {
      const old = await s.get(p);
      const compare = old ? { key: p, mod_revision: old.mod_revision } : { absent: p };
      const value = String(Number(old?.value ?? 0) + 1);
      if (!(await s.txn({ compare: [compare], then: [{ put: p, value }] })).ok) await raise();
    };
    await Promise.all(
      Array.from({ length: 8 }, async () => {
        for (let i = 0; i < 5; i++) await raise();
      }),
    );
    expect((await s.get(p))?.value).toBe("40");
  });
}

function watching(own: Own): void {
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

function compaction(own: Own): void {
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

function leases(own: Own, leasesEnd: () => Promise<void>): void {
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
