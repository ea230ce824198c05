import type { SliceId } from "@onehop/core";
import { describe, expect, it } from "vitest";
import { Outbox } from "./outbox.ts";

const id = (n: number): SliceId => `network/${n}`;

describe("what waits for a slow host", () => {
  it("is ids: of a slice that changed often meanwhile, only the newest content is sent", () => {
    const flying: (() => void)[] = [];
    const sent: string[] = [];
    let version = 1;
    const outbox = new Outbox({
      frameOf: (slice) => `${slice}@${version}`,
      send: (frame, done) => {
        sent.push(String(frame));
        flying.push(done);
      },
    });
    outbox.offer(Array.from({ length: 20 }, (_, n) => id(n)));
    const first = sent.length;
    expect(first).toBeLessThan(20);
    for (version = 2; version <= 100; version++) outbox.offer([id(19)]);
    while (flying.length > 0) flying.shift()?.();
    expect(sent).toHaveLength(20);
    expect(sent.at(-1)).toBe(`${id(19)}@101`);
  });

  it("passes over slices that went while they waited", () => {
    const sent: string[] = [];
    const outbox = new Outbox({
      frameOf: (slice) => (slice === id(1) ? undefined : slice),
      send: (frame, done) => {
        sent.push(String(frame));
        done();
      },
    });
    outbox.offer([id(0), id(1), id(2)]);
    expect(sent).toEqual([id(0), id(2)]);
  });
});
