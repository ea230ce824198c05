import { describe, expect, it } from "vitest";
import type { VpcSlice } from "./slices.ts";
import { encodeBody, readFrame, sliceFrame } from "./wire.ts";

const slice: VpcSlice = { type: "vpc", vpc_id: "v", vni: 5000, cidrs: ["10.0.0.0/8"], routes: [] };
const head = { id: "vpc/v" as const, epoch: 2 ** 45 + 7, generation: 2 ** 40, hash: "abc" };

describe("a slice's frame", () => {
  it("comes apart into what it was made of", () => {
    const bytes = encodeBody(slice);
    expect(readFrame(sliceFrame(head, bytes))).toEqual({ ...head, body: slice, bytes });
  });

  it("has the same body for equal content, whatever the order of its members", () => {
    const { type, ...rest } = slice;
    const turned = { ...Object.fromEntries(Object.entries(rest).reverse()), type, learning: undefined };
    expect(encodeBody(turned as unknown as VpcSlice)).toEqual(encodeBody(slice));
  });

  it("that was cut short, or is something else, is none", () => {
    const frame = sliceFrame(head, encodeBody(slice));
    for (const length of [0, 1, 2, 10, frame.length - 1]) expect(readFrame(frame.subarray(0, length))).toBeUndefined();
    expect(readFrame(new TextEncoder().encode('{"type":"slice"}'))).toBeUndefined();
  });
});
