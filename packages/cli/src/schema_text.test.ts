import { nounOf } from "@onehop/core";
import { describe, expect, it } from "vitest";
import { parseDuration, parseTexts, placeholder } from "./schema_text.ts";

const schema = (kind: Parameters<typeof nounOf>[0], field: string): object => nounOf(kind).fields[field]!.schema;

describe("A flag's text becomes the field's JSON", () => {
  it("for lists, by commas and by repetition", () => {
    expect(parseTexts("--cidrs", schema("vpc", "cidrs"), ["10.0.0.0/16, 10.1.0.0/16", "10.2.0.0/16"])).toEqual([
      "10.0.0.0/16",
      "10.1.0.0/16",
      "10.2.0.0/16",
    ]);
  });

  it("for objects, as key=value", () => {
    expect(parseTexts("--quotas", schema("project", "quotas"), ["ports=100,vpcs=2"])).toEqual({ ports: 100, vpcs: 2 });
    expect(parseTexts("--device", schema("port", "device"), ["kind=adopt,name=tap0"])).toEqual({
      kind: "adopt",
      name: "tap0",
    });
  });

  it("for numbers, and refuses what is none", () => {
    expect(parseTexts("--vni", schema("vpc", "vni"), ["5000"])).toBe(5000);
    expect(() => parseTexts("--vni", schema("vpc", "vni"), ["many"])).toThrow("--vni takes a number");
  });
});

it("Help shows how each value is written.", () => {
  expect(placeholder(schema("host", "kind"))).toBe("onehop|vxlan-peer");
  expect(placeholder(schema("project", "quotas"))).toBe("key=value,…");
  expect(placeholder(schema("port", "device"))).toBe("key=value,…");
  expect(placeholder(schema("vpc", "vni"))).toBe("n");
});

it("Durations have units, seconds by default.", () => {
  expect(["500ms", "30s", "2m", "7"].map(parseDuration)).toEqual([500, 30_000, 120_000, 7000]);
  expect(() => parseDuration("soon")).toThrow("is not a duration");
});
