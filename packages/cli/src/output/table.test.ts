import { expect, it } from "vitest";
import { cell } from "./cell.ts";
import { table } from "./table.ts";

it("A table has an upper-case header, two spaces between columns and nothing at the ends of lines.", () => {
  expect(
    table(
      ["name", "cidr"],
      [
        ["front", "10.0.1.0/24"],
        ["b", "-"],
      ],
    ),
  ).toBe("NAME   CIDR\nfront  10.0.1.0/24\nb      -\n");
});

it("Colours do not widen a column.", () => {
  expect(
    table(undefined, [
      ["\u001b[32mok\u001b[39m", "a"],
      ["long", "b"],
    ]),
  ).toBe("\u001b[32mok\u001b[39m    a\nlong  b\n");
});

it("Lists, objects and nothing each have one short form.", () => {
  expect([["a", "b"], {}, { x: 1, y: [2] }, undefined, 0].map(cell)).toEqual(["a,b", "-", "x=1,y=2", "-", "0"]);
});

it("Text from the store cannot steer the reader's terminal.", () => {
  expect(cell("a\u001b[2Jb\n")).toBe("a?[2Jb?");
});
