import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { MAX_OPS, type Op, type Store } from "../src/store.ts";
import { compaction, leases, watching } from "./conformance_watch.ts";
import { collect, commit, type Own, put, rejection, space } from "./helpers.ts";

export interface Subject {
  readonly store: Store;
  /** Lets time pass for leases of a second. */
  leasesEnd(): Promise<void>;
  close(): Promise<void>;
}

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
