import { describe, expect, it } from "vitest";
import type { VpcSlice } from "./slices.ts";
import { differenceFrame, readFrame, sliceFrame } from "./wire.ts";

const slice: VpcSlice = { type: "vpc", vpc_id: "v", vni: 5000, cidrs: ["10.0.0.0/8"], routes: [] };
const held = { id: "vpc/v" as const, epoch: 2 ** 45 + 7, generation: 2 ** 40, hash: "abc" };
const difference = { head: { type: "vpc" }, rows: [{ id: "r" }], gone: ["s"] };
const bytesOf = (text: string) => new TextEncoder().encode(text);

describe("a slice's frame", () => {
  it("comes apart into what it was made of", () => {
    expect(readFrame(sliceFrame(held, slice))).toEqual({ type: "slice", ...held, body: slice });
    const read = readFrame(differenceFrame(held, { base: "xyz", difference }));
    expect(read).toEqual({ type: "difference", ...held, base: "xyz", difference });
  });

  it("that was cut short, or is something else, is none", () => {
    for (const frame of [sliceFrame(held, slice), differenceFrame(held, { base: "xyz", difference })])
      for (const length of [0, 1, 2, 10, frame.length - 1])
        expect(readFrame(frame.subarray(0, length))).toBeUndefined();
    expect(readFrame(bytesOf('{"type":"slice"}'))).toBeUndefined();
    const odd = [{ head: null }, { rows: {} }, { rows: [null] }, { gone: 7 }];
    for (const part of odd)
      expect(
        readFrame(differenceFrame(held, { base: "xyz", difference: { ...difference, ...part } as never })),
      ).toBeUndefined();
  });
});
