import { describe, expect, it } from "vitest";
import { MAX_SLOTS } from "./entries.ts";
import { assignSlots } from "./slots.ts";

describe("slots", () => {
  it("are dense and in the order of the ports' ids, whatever order they come in", () => {
    expect([...assignSlots(new Map(), ["c", "a", "b"])]).toEqual([
      ["a", 0],
      ["b", 1],
      ["c", 2],
    ]);
  });

  it("stay with their ports; a new port takes the lowest that is free", () => {
    const had = new Map([
      ["a", 5],
      ["gone", 0],
      ["b", 1],
    ]);
    expect(assignSlots(had, ["b", "a", "new", "newer"])).toEqual(
      new Map([
        ["a", 5],
        ["b", 1],
        ["new", 0],
        ["newer", 2],
      ]),
    );
  });

  it("end where the tables end", () => {
    const ids = Array.from({ length: MAX_SLOTS + 2 }, (_, n) => `p${String(n).padStart(5, "0")}`);
    expect(assignSlots(new Map(), ids).size).toBe(MAX_SLOTS);
  });
});
