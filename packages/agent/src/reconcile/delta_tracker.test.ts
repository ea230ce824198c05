import { describe, expect, it } from "vitest";
import { DeltaTracker } from "./delta_tracker.ts";

type Row = readonly [string, { readonly n: number }];
const rows = (...pairs: [string, number][]) => new Map(pairs.map(([k, n]): [string, Row] => [k, [k, { n }]]));
const texts = (found: Iterable<readonly [string, Row]>) => [...found].map(([text]) => text);

function tracker(actual: Map<string, Row>, desired: Map<string, Row>) {
  const t = new DeltaTracker<Row>();
  t.replaceActual([...actual]);
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
    t.replaceActual([...rows(["a", 7], ["b", 1])]);
    expect([texts(t.updates()), texts(t.deletions())]).toEqual([["a"], ["b"]]);
  });
});

describe("what is desired in parts", () => {
  const done = (...parts: Map<string, Row>[]) => {
    const t = new DeltaTracker<Row>();
    t.want(parts);
    for (const [text, row] of [...t.updates()]) t.wrote(text, row);
    return t;
  };

  it("is looked at no more where a part stays and all is in sync", () => {
    const stays = rows(["a", 1], ["b", 1]);
    const t = done(stays, rows(["c", 1], ["d", 1]));
    stays[Symbol.iterator] = () => expect.fail("it was looked at");
    t.want([stays, rows(["c", 1], ["e", 1])]);
    expect([texts(t.updates()), texts(t.deletions())]).toEqual([["e"], ["d"]]);
  });

  it("is looked at again where it was not done, or is not there any more", () => {
    const stays = rows(["a", 1]);
    const t = done(stays);
    t.want([stays, rows(["b", 1])]);
    t.want([stays, rows(["c", 1])]);
    expect(texts(t.updates())).toEqual(["c"]);
    t.replaceActual([...rows(["c", 1])]);
    expect(texts(t.updates())).toEqual(["a"]);
  });

  it("is the first one's where parts share a key, whichever comes or goes", () => {
    const [first, second] = [rows(["a", 1]), rows(["a", 2], ["b", 2])];
    const t = done(second);
    t.want([first, second]);
    expect([...t.updates().values()]).toEqual([["a", { n: 1 }]]);
    for (const [text, row] of [...t.updates()]) t.wrote(text, row);
    t.want([second]);
    expect([...t.updates().values(), ...t.deletions().values()]).toEqual([["a", { n: 2 }]]);
  });
});
