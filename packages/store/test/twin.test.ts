import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type Entry, type EtcdProcess, MemoryStore, openStore, type Store, startEtcd, type Txn } from "../src/index.ts";
import { collect, space } from "./helpers.ts";

let dataDir: string;
let etcd: EtcdProcess;
let real: Store;
/** Fed alike from the first revision on, so that even their revisions are equal. */
const twin = new MemoryStore();

beforeAll(async () => {
  dataDir = await mkdtemp(path.join(tmpdir(), "onehop-twin-"));
  etcd = await startEtcd({ dataDir, unsafeNoFsync: true });
  real = openStore(etcd.url);
});
afterAll(async () => {
  await real?.close();
  await etcd?.stop();
  await rm(dataDir, { recursive: true, force: true });
});

const key = fc.constantFrom("a", "b", "b/1", "b/2", "c/1/x", "c/1/y");
const value = fc.string({ maxLength: 5, unit: "grapheme" });
const op = fc.oneof(
  { weight: 6, arbitrary: fc.record({ put: key, value }) },
  fc.record({ delete: key }),
  fc.record({ deletePrefix: fc.constantFrom("b/", "c/", "c/1/", "b") }),
);
const compare = fc.oneof(
  fc.record({ absent: key }),
  fc.record({ exists: key }),
  fc.record({ nonePrefixed: fc.constantFrom("b/", "c/", "d/") }),
  // Of the entry that is there when the transaction is made; seldom wrong by one.
  fc.record({
    key,
    off: fc.constantFrom(0, 0, 1),
    by: fc.constantFrom("mod_revision" as const, "create_revision" as const),
  }),
);
const txns = fc.array(
  fc.record({ compare: fc.array(compare, { maxLength: 1 }), ops: fc.array(op, { maxLength: 4 }) }),
  {
    minLength: 1,
    maxLength: 12,
    size: "max",
  },
);
type Drawn = (typeof txns extends fc.Arbitrary<infer T> ? T : never) extends (infer U)[] ? U : never;

/** The drawn transaction under the prefix of this run. */
function made(drawn: Drawn, p: string, entries: readonly Entry[]): Txn {
  const compares = drawn.compare.map((c): Txn["compare"][number] => {
    if ("absent" in c) return { absent: p + c.absent };
    if ("exists" in c) return { exists: p + c.exists };
    if ("nonePrefixed" in c) return { nonePrefixed: p + c.nonePrefixed };
    const key = p + c.key;
    const at = (entries.find((e) => e.key === key)?.[c.by] ?? 0) + c.off;
    return c.by === "mod_revision" ? { key, mod_revision: at } : { key, create_revision: at };
  });
  const ops = drawn.ops.map((o): Txn["then"][number] => {
    if ("put" in o) return { put: p + o.put, value: o.value };
    return "delete" in o ? { delete: p + o.delete } : { deletePrefix: p + o.deletePrefix };
  });
  return { compare: compares, then: ops };
}

const outcome = (store: Store, txn: Txn) => store.txn(txn).catch((error: Error) => `${error.name}: ${error.message}`);

it("the twin answers as etcd does: random transactions, listings, past listings and watches", async () => {
  const run = async (drawn: Drawn[]) => {
    const p = space();
    const { revision: first } = await twin.range({ prefix: p });
    for (const one of drawn) {
      const txn = made(one, p, (await real.range({ prefix: p })).entries);
      expect(await outcome(twin, txn)).toEqual(await outcome(real, txn));
      expect(await twin.range({ prefix: p })).toEqual(await real.range({ prefix: p }));
    }
    const then = [{ put: `${p}end`, value: "" }];
    const end = (await twin.txn({ compare: [], then })).revision;
    expect((await real.txn({ compare: [], then })).revision).toBe(end);
    for (let revision = first; revision <= end; revision++)
      expect(await twin.range({ prefix: p, revision })).toEqual(await real.range({ prefix: p, revision }));
    const told = async (store: Store) =>
      (await collect(store, { p, after: first }, (seen) => seen.at(-1)?.key === `${p}end`)).seen;
    expect(await told(twin)).toEqual(await told(real));
  };
  await fc.assert(fc.asyncProperty(txns, run), { numRuns: 40 });
});
