import type { Slice, SliceId, SliceMessage, VpcSlice } from "@onehop/core";
import { describe, expect, it } from "vitest";
import { hashes } from "./hash.ts";
import { SliceStore } from "./slice_store.ts";

const vpc = (vni: number): VpcSlice => ({ type: "vpc", vpc_id: "v", vni, cidrs: [], routes: [] });
const message = (id: SliceId, numbers: { epoch: number; generation: number }, body: Slice): SliceMessage => ({
  type: "slice",
  id,
  ...numbers,
  hash: hashes.of(body).hash,
  body,
});
const slice = (numbers: { epoch: number; generation: number }, vni = 1) => message("vpc/v", numbers, vpc(vni));
const own = (...slices: SliceId[]): SliceMessage =>
  message(
    "host/h",
    { epoch: 1, generation: 1 },
    { type: "host", host_id: "h", number: 1, slices: ["host/h", ...slices] },
  );
const hashOf = (vni: number) => hashes.of(vpc(vni)).hash;
const restored = (...slices: SliceMessage[]) => {
  const store = new SliceStore();
  store.restore(slices);
  return store;
};
const vniOf = (store: SliceStore) => (store.current()?.plan.get("vpc/v") as VpcSlice | undefined)?.vni;

describe("slices", () => {
  it("of a lower epoch are refused, however new their content (a paused owner that wakes up harms nothing)", () => {
    const store = new SliceStore();
    store.accept(own("vpc/v"));
    expect(store.accept(slice({ epoch: 9, generation: 100 }, 1))).toBe("taken");
    expect(store.accept(slice({ epoch: 8, generation: 500 }, 2))).toBe("stale");
    expect(vniOf(store)).toBe(1);
    expect(store.accept(slice({ epoch: 10, generation: 3 }, 2))).toBe("taken");
    expect(vniOf(store)).toBe(2);
  });

  it("of a lower generation of the same epoch are refused; equal content is not a change", () => {
    const store = restored(slice({ epoch: 9, generation: 100 }));
    expect(store.accept(slice({ epoch: 9, generation: 99 }, 2))).toBe("stale");
    expect(store.accept(slice({ epoch: 9, generation: 101 }, 1))).toBe("same");
  });

  it("told to be the same move to the new epoch, and the old one is refused from then on", () => {
    const store = restored(slice({ epoch: 9, generation: 100 }));
    const numbers = { id: "vpc/v" as const, epoch: 12, generation: 120 };
    expect(store.accept({ type: "same", ...numbers, hash: hashOf(1) })).toBe("same");
    expect(store.held()).toEqual([{ ...numbers, hash: hashOf(1) }]);
    expect(store.accept(slice({ epoch: 9, generation: 130 }, 2))).toBe("stale");
  });

  it("told to be the same while they are not are not believed", () => {
    const store = restored(slice({ epoch: 9, generation: 100 }));
    expect(store.accept({ type: "same", id: "vpc/v", epoch: 12, generation: 1, hash: hashOf(7) })).toBe("lacking");
    expect(store.accept({ type: "same", id: "vpc/w", epoch: 12, generation: 1, hash: hashOf(7) })).toBe("lacking");
  });

  it("are changed by what differs from what is here, and by nothing else", () => {
    const [before, after] = [
      vpc(1),
      { ...vpc(1), routes: [{ id: "r", destination: "0.0.0.0/0", next_hop: "10.0.0.1" }] },
    ];
    const store = restored(own("vpc/v"), slice({ epoch: 9, generation: 100 }));
    const difference = { head: { ...vpc(1), routes: undefined }, rows: after.routes, gone: [] };
    const { type: _, body: __, ...numbers } = message("vpc/v", { epoch: 9, generation: 101 }, after);
    const change = { type: "difference", ...numbers, base: hashes.of(before).hash, difference } as const;
    expect(store.accept({ ...change, epoch: 8 })).toBe("stale");
    expect(store.accept({ ...change, base: "another" })).toBe("lacking");
    expect(store.accept({ ...change, hash: "another" })).toBe("lacking");
    expect(store.current()?.plan.get("vpc/v")).toEqual(before);
    expect(store.accept(change)).toBe("taken");
    expect(store.current()?.plan.get("vpc/v")).toEqual(after);
    expect(store.takeUnsaved().changed).toEqual([{ ...numbers, body: after }]);
  });
});

describe("a plan", () => {
  it("is none before everything that the host's own slice lists is there", () => {
    const store = new SliceStore();
    expect(store.current()).toBeUndefined();
    store.accept(slice({ epoch: 1, generation: 1 }));
    expect(store.current()).toBeUndefined();
    store.accept(own("vpc/v", "network/n"));
    expect(store.current()).toBeUndefined();
    store.accept(own("vpc/v"));
    expect([...store.current()!.plan.keys()]).toEqual(["host/h", "vpc/v"]);
  });

  it("forgets what the host's own slice does not list any more", () => {
    const store = restored(slice({ epoch: 1, generation: 1 }));
    store.accept(own("vpc/v"));
    store.takeUnsaved();
    store.accept({ ...own(), generation: 2 });
    expect(store.held().map((h) => h.id)).toEqual(["host/h"]);
    expect(store.takeUnsaved()).toEqual({ changed: [expect.objectContaining({ id: "host/h" })], gone: ["vpc/v"] });
  });
});
