import { DROP_REASON_NAMES } from "@onehop/core";
import { expect, it } from "vitest";
import { Drop } from "../src/maps.gen.ts";

it("the drop reasons that have words are those of enum oh_drop, in its order", () => {
  const names = Object.entries(Drop).sort(([, a], [, b]) => a - b);
  expect(names.at(0)?.[0]).toBe("NONE");
  expect(names.at(-1)?.[0]).toBe("MAX");
  expect(names.slice(1, -1).map(([name]) => name.toLowerCase())).toEqual(DROP_REASON_NAMES);
});
