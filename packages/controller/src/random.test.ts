import { expect, test } from "vitest";
import { pooledRandom } from "./random.ts";

test("random bytes are given out once each, and fetched many at a time", () => {
  let next = 0;
  let fetches = 0;
  const random = pooledRandom((bytes) => {
    fetches++;
    return Uint8Array.from({ length: bytes }, () => next++ & 255);
  });
  const taken = Array.from({ length: 1000 }, () => [...random(5)]).flat();
  expect(fetches).toBe(2);
  // Five thousand in order, but for the end of the first pool, which was too short for five.
  expect(taken.slice(0, 4095)).toEqual(Array.from({ length: 4095 }, (_, i) => i & 255));
  expect(taken.slice(4095)).toEqual(Array.from({ length: 905 }, (_, i) => i & 255));
  expect(random(5000)).toHaveLength(5000);
});

test("what the system's generator gives stays what it was", () => {
  const random = pooledRandom();
  const taken = Array.from({ length: 100 }, () => Buffer.from(random(16)).toString("hex"));
  expect(new Set(taken).size).toBe(100);
  const kept = random(16);
  const before = Buffer.from(kept).toString("hex");
  random(16);
  expect(Buffer.from(kept).toString("hex")).toBe(before);
  expect(before).not.toBe("0".repeat(32));
});
