import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { BREAKAGES } from "./list.ts";
import { applied } from "./scratch.ts";

const ROOT = new URL("../../../../", import.meta.url);
const read = (path: string) => readFileSync(fileURLToPath(new URL(path, ROOT)), "utf8");

test("There are at least twenty breakages, each with a name of its own", () => {
  expect(new Set(BREAKAGES.map((b) => b.name)).size).toBe(BREAKAGES.length);
  expect(BREAKAGES.length).toBeGreaterThanOrEqual(20);
});

test.each(BREAKAGES)(
  "The place of the breakage “$name” is there once, and its test has the name it is called by",
  (b) => {
    expect(() => applied(read(b.file), b)).not.toThrow();
    const source = read(b.test.file);
    // Suites' titles come first; a title may go over the line's end.
    expect(b.test.title.split(" ").every((word) => source.includes(word))).toBe(true);
  },
);
