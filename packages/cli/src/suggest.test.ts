import { expect, it } from "vitest";
import { didYouMean, distance } from "./suggest.ts";

it("Neighbouring letters swapped count as one slip.", () => {
  expect(distance("netwrok", "network")).toBe(1);
  expect(distance("", "abc")).toBe(3);
});

it("A word far from all known ones gets no suggestion.", () => {
  expect(didYouMean("prot", ["port", "host"])).toBe("Did you mean port?");
  expect(didYouMean("zebra", ["port", "host"])).toBeUndefined();
});
