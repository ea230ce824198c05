import { expect, it } from "vitest";
import { type Change, recordOf, textOf } from "./record.ts";

const change = (n: number): Change => {
  const after = {
    id: `p${n}`,
    name: `port-${n} ü`,
    created_at: "2026-01-01T00:00:00Z",
    updated_at: "2026-01-01T00:00:00Z",
  };
  return { at: "2026-01-01T00:00:00Z", who: "root", kind: "port", id: `p${n}`, after: { ...after, labels: {} } };
};

it("A record is read as it was written, a long one from a fraction of its bytes", () => {
  for (const count of [1, 100]) {
    const record = { changes: Array.from({ length: count }, (_, n) => change(n)) };
    const text = textOf(record);
    expect(recordOf(text)).toEqual(record);
    expect(text.length <= JSON.stringify(record).length / (count === 1 ? 1 : 4)).toBe(true);
  }
});
