import { keys, MemoryStore, type Store, type Txn } from "@onehop/store";
import fc from "fast-check";
import { expect, it } from "vitest";
import { Overlay, OverlayFull } from "./overlay.ts";
import type { Record } from "./record.ts";

const key = fc.constantFrom("/a/1", "/a/2", "/b/1", "/b/2", "/c", "/a/x/y/z/1", "/a/x/y/z/2");
const prefix = fc.constantFrom("/a/", "/b/", "/a/x/y/z/");
const op = fc.oneof(
  fc.record({ put: key, value: fc.constantFrom("x", "y", "z") }),
  fc.record({ delete: key }),
  fc.record({ deletePrefix: prefix }),
);
const compare = fc.oneof(fc.record({ absent: key }), fc.record({ exists: key }), fc.record({ nonePrefixed: prefix }));
/** One operation a key, as etcd demands. */
const txn: fc.Arbitrary<Txn> = fc.record({
  compare: fc.array(compare, { maxLength: 2 }),
  then: fc.uniqueArray(op, { maxLength: 3, selector: (o) => Object.values(o)[0]!.slice(0, 2) }),
});

const contents = async (store: Pick<Store, "range">) =>
  (await store.range({ prefix: "/" })).entries.map((e) => [e.key, e.value]);

it("An overlay's outcome is that of its transactions done one after the other.", () =>
  fc.assert(
    fc.asyncProperty(fc.array(txn, { maxLength: 3 }), fc.array(txn, { maxLength: 8 }), async (before, txns) => {
      const [one, other] = [new MemoryStore(), new MemoryStore()];
      for (const t of before) for (const store of [one, other]) await store.txn(t);
      const overlay = new Overlay(other, 1);
      for (const t of txns) expect((await overlay.txn(t)).ok).toBe((await one.txn(t)).ok);
      expect(await contents(overlay)).toEqual(await contents(one));
      const net = await overlay.net();
      if (net.then.length > 0) expect((await other.txn(net)).ok).toBe(true);
      expect(await contents(other)).toEqual(await contents(one));
    }),
  ));

it("What an overlay compared is compared again when it is written.", async () => {
  const store = new MemoryStore();
  const overlay = new Overlay(store, 1);
  await overlay.txn({ compare: [{ absent: "/name" }], then: [{ put: "/mine", value: "1" }] });
  await store.txn({ compare: [], then: [{ put: "/name", value: "taken" }] });
  expect((await store.txn(await overlay.net())).ok).toBe(false);
});

it("An overlay takes no transaction that makes it larger than its room, and stays as it was.", async () => {
  const overlay = new Overlay(new MemoryStore(), 1, 2);
  const put = (...names: string[]): Txn => ({ compare: [], then: names.map((n) => ({ put: n, value: "" })) });
  await overlay.txn(put("/a"));
  await expect(overlay.txn(put("/b", "/c"))).rejects.toThrow(OverlayFull);
  await overlay.txn(put("/b"));
  expect((await overlay.net()).then).toHaveLength(2);
});

it("Records of one VPC become one, and what came and went leaves no trace in it.", async () => {
  const overlay = new Overlay(new MemoryStore(), 1);
  const object = (id: string, name: string) => ({ id, name, labels: {}, created_at: "", updated_at: "" });
  const record = async (stamp: string, changes: Record["changes"]) =>
    overlay.txn({ compare: [], then: [{ put: keys.history("v", stamp), value: JSON.stringify({ changes }) }] });
  const about = { at: "", who: "root", kind: "port" } as const;
  await record("1", [{ ...about, id: "p", before: object("p", "a") }]);
  await record("2", [{ ...about, id: "q", after: object("q", "q") }]);
  await record("3", [{ ...about, id: "p", after: object("p", "b") }]);
  await record("4", [{ ...about, id: "q", before: object("q", "q") }]);
  const { then } = await overlay.net();
  expect(then).toHaveLength(1);
  expect(JSON.parse((then[0] as { value: string }).value)).toEqual({
    changes: [{ ...about, id: "p", before: object("p", "a"), after: object("p", "b") }],
  });
});
