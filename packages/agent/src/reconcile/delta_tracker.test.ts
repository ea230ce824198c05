import { describe, expect, it } from "vitest";
import { DeltaTracker } from "./delta_tracker.ts";

type Row = readonly [string, { readonly n: number }];
const rows = (...pairs: [string, number][]) => new Map(pairs.map(([k, n]): [string, Row] => [k, [k, { n }]]));
const texts = (found: Iterable<readonly [string, Row]>) => [...found].map(([text]) => text);

function tracker(actual: Map<string, Row>, desired: Map<string, Row>) {
  const t = new DeltaTracker<Row>();
  t.replaceActual(actual);
  t.want([desired]);
  return t;
}

describe("the difference between desired and actual", () => {
  it("is nothing where both are equal, whatever the order", () => {
    const t = tracker(rows(["a", 1], ["b", 2]), rows(["b", 2], ["a", 1]));
    expect([texts(t.updates()), texts(t.deletions())]).toEqual([[], []]);
  });

  it("is what is missing, what differs, and what is too much", () => {
    const t = tracker(rows(["same", 1], ["other", 1], ["extra", 1]), rows(["same", 1], ["other", 2], ["new", 1]));
    expect(texts(t.updates())).toEqual(["other", "new"]);
    expect(texts(t.deletions())).toEqual(["extra"]);
  });

  it("vanishes once it is done", () => {
    const t = tracker(rows(["extra", 1]), rows(["new", 1]));
    for (const [text, row] of [...t.updates()]) t.wrote(text, row);
    for (const [text] of [...t.deletions()]) t.removed(text);
    expect([texts(t.updates()), texts(t.deletions())]).toEqual([[], []]);
  });

  it("comes back when somebody else changed what is there", () => {
    const t = tracker(rows(["a", 1]), rows(["a", 1]));
    t.replaceActual(rows(["a", 7], ["b", 1]));
    expect([texts(t.updates()), texts(t.deletions())]).toEqual([["a"], ["b"]]);
  });
});
