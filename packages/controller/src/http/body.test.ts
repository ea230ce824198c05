import { OnehopError } from "@onehop/core";
import { expect, test } from "vitest";
import { parseBody } from "./body.ts";

const refusal = (text: string): OnehopError => {
  try {
    parseBody(text);
  } catch (error) {
    if (error instanceof OnehopError) return error;
  }
  throw new Error("it was taken");
};

test.each([
  '{"name":"a","name":"b"}',
  '{"name" : "a", "\\u006eame": "b"}',
  '[{"x":{"y":1,"z":[{}],"y":2}}]',
  '{"a\\"":1,"a\\"":2}',
  '{"":1,"":2}',
])("%s says something twice, and is refused.", (text) => {
  const { detail } = refusal(text);
  expect(detail.status).toBe(400);
  expect(detail.message).toContain("twice in one object");
});

test.each([
  ['{"a":{"a":1},"b":[{"a":1},{"a":2}],"c":"a"}', { a: { a: 1 }, b: [{ a: 1 }, { a: 2 }], c: "a" }],
  ['{"x":"{\\"x\\":1}","y":"\\\\"}', { x: '{"x":1}', y: "\\" }],
  ['["a","a"]', ["a", "a"]],
  ["", undefined],
])("%s is taken as it is.", (text, value) => {
  expect(parseBody(text)).toEqual(value);
});

test("A body that is no JSON, or too deep, is refused with a sentence.", () => {
  expect(refusal("{").detail.message).toContain("not valid JSON");
  expect(refusal("[".repeat(17)).detail.message).toContain("deeper than 16");
  // A long text costs no more than its length.
  expect(parseBody(`{"a":"${"\\n".repeat(500_000)}"}`)).toBeTruthy();
});
